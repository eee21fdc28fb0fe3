// SPDX-License-Identifier: Apache-2.0
// Generations on their way out of a store and into one.
#include "e2e/stacks.hpp"
#include "support/offen_archive.hpp"
#include "support/search.hpp"
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <fstream>
#include <iostream>
#include <set>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::slurp;
using fusebox::test::Stack;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// A stack whose services are shells with some files, so that no server is needed.
class Shelves : public Stack {
 public:
  explicit Shelves(const std::string& more = {}) : Stack("shelves") {
    box_.write("fusebox.toml", std::string(R"([stack]
name = "shelves"

[plugins.runtime-process.services.db]
command = ["sh", "-c", 'mkdir -p "$DATA/a/.hidden"; seq 1 50000 >"$DATA/a/numbers"; exec sleep 3600']
environment = { DATA = "${data}" }

[plugins.runtime-process.services.files]
command = ["sh", "-c", 'echo one >"$DATA/one"; exec sleep 3600']
environment = { DATA = "${data}" }

[plugins.volume-db]
use = "snapshot-volume"
volume = "db"

[plugins.volume-files]
use = "snapshot-volume"
volume = "files"

[plugins.backup]
use = "backup-generations"

[plugins.backup-local]
folder = "backups"
min_free = "0B"
)") + more);
  }
  void fill() {
    must({"up"});
    must({"stop"});
  }
  Ended must(const std::vector<std::string>& args) const {
    const Ended ended = (*this)(args);
    INFO(ended.all());
    REQUIRE(ended.exit_code == 0);
    return ended;
  }
  Ended shell(const std::string& script) const { return box_.program({"sh", "-c", script}); }
  json::array generations() const { return json({"backup", "list"}).at("generations").as_array(); }
  std::string newest() const {
    return std::string(generations().at(0).at("generation").as_string());
  }
  fs::path folder(const std::string& generation) const {
    return box_.path() / "backups/shelves" / generation;
  }
  // Nothing in the store but whole generations, and as many as `count`.
  void expect_generations(std::size_t count) const {
    const auto listed = json({"backup", "list"});
    CHECK(listed.at("generations").as_array().size() == count);
    CHECK(listed.at("interrupted").as_array().empty());
  }
};

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// The lines of SHA256SUMS but the manifest's own.
std::set<std::string> sums_of(const fs::path& generation) {
  std::set<std::string> lines;
  std::ifstream in(generation / "SHA256SUMS");
  for (std::string line; std::getline(in, line);)
    if (!line.ends_with("manifest.json")) lines.insert(line);
  return lines;
}

}  // namespace

TEST_CASE("an exported generation is one tar, and comes back with the same stored bytes") {
  Shelves stack;
  stack.fill();
  stack.must({"backup", "create", "--note", "to be moved"});
  const std::string first = stack.newest();
  stack.must({"backup", "export"});
  const fs::path file = stack.box() / fmt::format("shelves-{}.tar", first);
  REQUIRE(fs::exists(file));

  // Standard tools: the manifest comes first, and every hash is right.
  const auto unpacked = stack.shell(fmt::format(
      "tar -tf {0} | head -1; mkdir out && tar -xf {0} -C out && cd out/{1} && sha256sum -c "
      "SHA256SUMS",
      file.string(), first));
  INFO(unpacked.all());
  CHECK(unpacked.exit_code == 0);
  CHECK(unpacked.out.starts_with(first + "/manifest.json"));

  // The same to standard output, and nothing else there.
  const auto piped = stack({"backup", "export", first, "-"});
  CHECK(piped.exit_code == 0);
  CHECK(contains(piped.err, "is in /dev/fd/"));
  write(stack.box() / "piped.tar", piped.out);
  CHECK(stack.shell(fmt::format("mkdir two && tar -xf piped.tar -C two && diff -r out two"))
            .exit_code == 0);
  // What is there is not overwritten.
  CHECK(stack({"backup", "export", first, file.string()}).exit_code == 1);

  stack.must({"backup", "import", file.string(), "--pin", "moved here"});
  const auto listed = stack.generations();
  REQUIRE(listed.size() == 2);
  const std::string second = stack.newest();
  CHECK(second != first);
  CHECK(listed[0].at("pin") == "moved here");
  CHECK(sums_of(stack.folder(second)) == sums_of(stack.folder(first)));
  const auto& manifest = listed[0].at("manifest");
  CHECK(manifest.at("imported").at("generation") == json::value(first));
  CHECK(manifest.at("keys_for") == json::value(first));
  CHECK(manifest.at("note") == "to be moved");
  CHECK(manifest.at("bytes") == listed[1].at("manifest").at("bytes"));
  CHECK(manifest.at("sources") == listed[1].at("manifest").at("sources"));
  // Decompressed by the name, though it was never compressed here: each source is opened.
  const auto verified = stack.must({"backup", "verify", second});
  CHECK(contains(verified.out, "2 sources were opened"));
}

TEST_CASE("D22: an export that is cut off, changed or foreign is refused, and leaves nothing") {
  Shelves stack;
  stack.fill();
  stack.must({"backup", "create"});
  stack.must({"backup", "export", "latest", "whole.tar"});
  const std::string whole = slurp(stack.box() / "whole.tar");
  const auto refuse = [&](const std::string& bytes) {
    write(stack.box() / "bad.tar", bytes);
    const Ended ended = stack({"backup", "import", "bad.tar"});
    INFO(ended.all());
    CHECK(ended.exit_code == 1);
    stack.expect_generations(1);
  };
  const std::size_t sizes[] = {0, 300, 512, whole.size() / 2, whole.size() - 4096};
  for (const auto size : sizes) {
    CAPTURE(size);
    refuse(whole.substr(0, size));
  }
  // The last file is gone, with a proper end after what is left.
  const auto last = whole.rfind("RESTORE.txt");
  REQUIRE(last != std::string::npos);
  const auto at = whole.rfind(stack.newest() + "/RESTORE.txt");
  refuse(whole.substr(0, at) + std::string(1024, '\0'));
  for (const double place : {0.002, 0.3, 0.6}) {
    CAPTURE(place);
    std::string flipped = whole;
    auto& byte = flipped[static_cast<std::size_t>(static_cast<double>(whole.size()) * place)];
    byte = static_cast<char>(byte ^ 4);
    refuse(flipped);
  }
  refuse("this is no archive at all");
  stack.shell("mkdir other && echo x >other/file && tar -cf other.tar other");
  refuse(slurp(stack.box() / "other.tar"));
  stack.must({"backup", "import", "whole.tar"});
  stack.expect_generations(2);
}

TEST_CASE("archives of docker-volume-backup become generations that can be restored") {
  Shelves stack;
  const auto made = stack.shell(
      "mkdir -p mounts/db/sub mounts/files mounts/cache && cd mounts && echo data >db/sub/one && "
      "echo hidden >db/.dotfile && ln -s sub/one db/link && chmod 640 db/.dotfile && "
      "echo x >'files/n\xC3\xA4me' && head -c 300000 /dev/urandom >files/large && echo c >cache/c "
      "&& "
      "chmod 2770 files");
  REQUIRE(made.exit_code == 0);
  const std::string tar = fusebox::test::offen_archive(stack.box() / "mounts", "/backup");
  write(stack.box() / "b.tar", tar);
  REQUIRE(stack.shell("gzip -5 -k b.tar && zstd -q b.tar").exit_code == 0);

  const Ended unknown = stack({"backup", "import", "b.tar.gz"});
  INFO(unknown.all());
  CHECK(unknown.exit_code == 1);
  CHECK(contains(unknown.out, "no volume of this stack is \"cache\""));
  CHECK(contains(unknown.out, "--map cache="));
  stack.expect_generations(0);

  std::size_t count = 0;
  for (const char* file : {"b.tar", "b.tar.gz", "b.tar.zst"}) {
    CAPTURE(file);
    stack.must({"backup", "import", file, "--map", "cache=", "--map", "files=volume-files", "--map",
                "db=volume-db"});
    stack.expect_generations(++count);
  }
  const auto manifest = stack.generations()[0].at("manifest").as_object();
  CHECK(manifest.at("imported").at("from") == "docker-volume-backup");
  const auto& sources = manifest.at("sources").as_array();
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].at("instance") == "volume-db");
  CHECK(sources[0].at("file") == "db.tar.zst");
  CHECK(sources[0].at("counts").at("files") == 3);
  CHECK(sources[1].at("counts").at("bytes") == 300002);
  CHECK(contains(stack.must({"backup", "verify"}).out, "2 sources were opened"));

  // Once the services have run, names alone are enough.
  stack.fill();
  stack.must({"backup", "import", "b.tar.gz", "--map", "cache="});
  stack.expect_generations(++count);
  CHECK(stack.generations()[0].at("manifest").at("sources").at(0).at("service") == "db");

  const auto folder = stack.folder(stack.newest()).string();
  const auto same = stack.shell(fmt::format(
      "mkdir d f && zstd -dc {0}/db.tar.zst | tar -x --numeric-owner -C d && zstd -dc "
      "{0}/files.tar.zst | tar -x --numeric-owner -C f && diff -r --no-dereference d mounts/db && "
      "diff -r f mounts/files && stat -c %a d/.dotfile f",
      folder));
  INFO(same.all());
  CHECK(same.exit_code == 0);
  CHECK(same.out == "640\n2770\n");

  for (const char* file : {"b.tar", "b.tar.gz", "b.tar.zst"}) {
    CAPTURE(file);
    const auto bytes = slurp(stack.box() / file);
    for (const auto size : {bytes.size() / 2, bytes.size() - 1024}) {
      write(stack.box() / "cut", bytes.substr(0, size));
      CHECK(stack({"backup", "import", "cut", "--map", "cache="}).exit_code == 1);
      stack.expect_generations(count);
    }
  }
}

TEST_CASE("an archive of one that is encrypted says how to go on") {
  Shelves stack;
  write(stack.box() / "b.tar.gz.age", "age-encryption.org/v1\n-> X25519 abc\n");
  const Ended ended = stack({"backup", "import", "b.tar.gz.age"});
  INFO(ended.all());
  CHECK(ended.exit_code == 1);
  CHECK(contains(ended.out, "decrypt it first"));
}

TEST_CASE("an encrypted generation is proven with its key, and without it as far as can be") {
  if (!fusebox::util::find_program("age")) {
    std::cerr << "age is not here: encryption is NOT tested\n";
    return;
  }
  const fusebox::test::Sandbox keys;
  const auto made =
      keys.program({"sh", "-c", "age-keygen -o key 2>/dev/null && age-keygen -y key"});
  REQUIRE(made.exit_code == 0);
  const std::string recipient = made.out.substr(0, made.out.find('\n'));
  const auto text = slurp(keys / "key");
  const auto at = text.find("\nAGE-") + 1;
  const std::string identity = text.substr(at, text.find('\n', at) - at);
  Shelves stack(fmt::format(R"(encrypt_to = ["{}"]
identity = {{ secret = "BACKUP_KEY" }}

[plugins.secrets-file]
file = ".env"
)",
                            recipient));
  fs::permissions(stack.box().write(".env", "BACKUP_KEY=" + identity + "\n"),
                  fs::perms::owner_read | fs::perms::owner_write);
  stack.fill();
  stack.must({"backup", "create"});
  const std::string first = stack.newest();
  const auto folder = stack.folder(first);
  CHECK(fs::exists(folder / "db.tar.zst.age"));
  CHECK(contains(stack.must({"backup", "verify"}).out, "2 sources were opened"));

  // RESTORE.txt, literally.
  const auto told = slurp(folder / "RESTORE.txt");
  const std::string line = "age -d -i KEY-FILE -o db.tar.zst db.tar.zst.age";
  REQUIRE(contains(told, line));
  const auto by_hand = stack.shell(fmt::format(
      "mkdir hand && cp {0}/* hand && cd hand && sha256sum -c SHA256SUMS && KEY={1} && {2} && zstd "
      "-dc db.tar.zst | tar -xO a/numbers | tail -1",
      folder.string(), (keys / "key").string(),
      std::string(line).replace(line.find("KEY-FILE"), 8, "\"$KEY\"")));
  INFO(by_hand.all());
  CHECK(by_hand.out.ends_with("50000\n"));

  const std::string no_key = "--set=plugins.backup-local.identity={ secret = 'NOBODY' }";
  const auto blind = stack({no_key, "backup", "verify"});
  INFO(blind.all());
  CHECK(contains(blind.out, "was not opened"));
  CHECK_FALSE(contains(blind.out, "cannot be restored"));

  // Its bytes go through an export as they are, into a store that does not encrypt.
  stack.must({"backup", "export", first, "e.tar"});
  stack.must({"--set=plugins.backup-local.encrypt_to=[]", "backup", "import", "e.tar"});
  CHECK(sums_of(stack.folder(stack.newest())) == sums_of(folder));
  CHECK(contains(stack.must({"backup", "verify"}).out, "2 sources were opened"));
  CHECK(fusebox::test::files_with(stack.box().path(), identity) == std::set<std::string>{".env"});
}
