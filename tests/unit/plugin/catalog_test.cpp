// SPDX-License-Identifier: Apache-2.0
#include "plugin/catalog.hpp"

#include "plugin/trust.hpp"
#include "util/error.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace fusebox;
namespace fs = std::filesystem;

namespace {

const fs::path kTestPlugins = FUSEBOX_TEST_PLUGINS;

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "fusebox-catalog-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  void take(const std::string& id) const {
    for (const char* suffix : {".so", ".dylib", ".fusebox.toml"})
      if (fs::exists(kTestPlugins / (id + suffix)))
        fs::copy(kTestPlugins / (id + suffix), path / (id + suffix));
  }
  fs::path path;
};

}  // namespace

TEST_CASE("plugins are found by their manifests, and none is loaded") {
  const plugin::Catalog catalog = plugin::Catalog::discover({kTestPlugins, "/does/not/exist"});
  CHECK(catalog.find("sample-touch") != nullptr);
  CHECK(catalog.find("zoo-bad-magic") != nullptr);
  CHECK(catalog.find("nobody") == nullptr);
  CHECK(catalog.rejected().empty());
}

TEST_CASE("of two plugins with one id the first folder's wins and the other is told") {
  Folder first, second;
  first.take("sample-touch");
  second.take("sample-touch");
  const plugin::Catalog catalog = plugin::Catalog::discover({first.path, second.path});
  REQUIRE(catalog.find("sample-touch") != nullptr);
  CHECK(catalog.find("sample-touch")->library.parent_path() == first.path);
  REQUIRE(catalog.rejected().size() == 1);
  CHECK(catalog.rejected()[0].what.starts_with("a plugin \"sample-touch\" was already found in"));
}

TEST_CASE("the same folder named twice is no conflict") {
  const plugin::Catalog catalog = plugin::Catalog::discover({kTestPlugins, kTestPlugins / "."});
  CHECK(catalog.rejected().empty());
}

TEST_CASE(
    "a manifest under another name, without a library or malformed is rejected with the reason") {
  Folder folder;
  folder.take("sample-touch");
  fs::rename(folder.path / "sample-touch.fusebox.toml", folder.path / "other.fusebox.toml");
  std::ofstream(folder.path / "broken.fusebox.toml") << "id = \n";
  const plugin::Catalog catalog = plugin::Catalog::discover({folder.path});
  CHECK(catalog.all().empty());
  REQUIRE(catalog.rejected().size() == 2);
  CAPTURE(catalog.rejected()[1].what);
  CHECK(catalog.rejected()[0].id == "broken");
  CHECK(catalog.rejected()[0].what.find("broken.fusebox.toml:1:") != std::string::npos);
  CHECK(catalog.rejected()[1].what.find(
            "the id is \"sample-touch\" but the file is \"other.fusebox.toml\"") !=
        std::string::npos);
}

TEST_CASE("a plugin that others can write is rejected") {
  Folder folder;
  folder.take("sample-touch");
  SUBCASE("the manifest") { ::chmod((folder.path / "sample-touch.fusebox.toml").c_str(), 0666); }
  SUBCASE("the folder") { ::chmod(folder.path.c_str(), 0777); }
  const plugin::Catalog catalog = plugin::Catalog::discover({folder.path});
  CHECK(catalog.all().empty());
  REQUIRE(catalog.rejected().size() == 1);
  CHECK(catalog.rejected()[0].what.find("can be written by others") != std::string::npos);
  CHECK(catalog.rejected()[0].hint.starts_with("chmod go-w"));
}

// Only root can give a file away.
TEST_CASE("a plugin that belongs to another user is rejected" * doctest::skip(::geteuid() != 0)) {
  Folder folder;
  folder.take("sample-touch");
  REQUIRE(::chown((folder.path / "sample-touch.fusebox.toml").c_str(), 12345, 12345) == 0);
  const plugin::Catalog catalog = plugin::Catalog::discover({folder.path});
  REQUIRE(catalog.rejected().size() == 1);
  CHECK(catalog.rejected()[0].what.find("belongs to user 12345") != std::string::npos);
}

TEST_CASE("plugins.lock keeps its pins, and a changed file does not pass") {
  Folder folder;
  folder.take("sample-touch");
  const plugin::Catalog catalog = plugin::Catalog::discover({folder.path});
  const plugin::Found& found = *catalog.find("sample-touch");
  plugin::PluginLock lock;
  lock.pin("sample-touch", found.library, found.manifest.file);
  lock.write(folder.path / "plugins.lock");

  const plugin::PluginLock read = plugin::PluginLock::read(folder.path / "plugins.lock");
  REQUIRE(read.pins().size() == 1);
  CHECK_NOTHROW(read.verify("sample-touch", found.library, found.manifest.file));
  CHECK_NOTHROW(read.verify("not-pinned", found.library, found.manifest.file));
  std::ofstream(found.library, std::ios::app) << "x";
  CHECK_THROWS_AS(read.verify("sample-touch", found.library, found.manifest.file), Error);
}

TEST_CASE("a malformed plugins.lock says where and what to do") {
  Folder folder;
  std::ofstream(folder.path / "plugins.lock") << "[plugins.x]\nlibrary_sha256 = 3\n";
  try {
    plugin::PluginLock::read(folder.path / "plugins.lock");
    FAIL("it was read");
  } catch (const Error& e) {
    CHECK(std::string(e.what()).find("plugins.lock:1:") != std::string::npos);
    CHECK(std::string(e.what()).find("[plugins.x] needs library_sha256 and manifest_sha256") !=
          std::string::npos);
  }
}

TEST_CASE("trusted folders are remembered by their real path") {
  Folder folder;
  const fs::path file = folder.path / "private" / "trusted-folders";
  plugin::TrustedFolders trusted = plugin::TrustedFolders::read(file);
  CHECK_FALSE(trusted.contains(folder.path));
  trusted.add(folder.path);
  trusted.write(file);
  fs::create_symlink(folder.path, folder.path / "link");
  plugin::TrustedFolders again = plugin::TrustedFolders::read(file);
  CHECK(again.contains(folder.path));
  CHECK(again.contains(folder.path / "link"));
  CHECK(again.remove(folder.path));
  CHECK_FALSE(again.contains(folder.path));
}
