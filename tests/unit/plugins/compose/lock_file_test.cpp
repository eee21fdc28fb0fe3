// SPDX-License-Identifier: Apache-2.0
#include "common/compose/lock_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <fusebox/plugin.hpp>

#include "support/temp_dir.hpp"

using namespace fbx::compose;
namespace fs = std::filesystem;

namespace {

constexpr const char* text =
    "# "
    "pinned\n\nWEB_IMAGE=docker.langfuse.com/langfuse/langfuse:4.16.0\r\nDB_IMAGE=localhost:5000/"
    "db:17";

std::string refusal(std::string_view lock) {
  try {
    parse_lock(lock, "versions.lock");
  } catch (const fbx::Error& error) {
    CHECK(error.rc() == FBX_CONFIG);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a lock file gives its names and values, with their lines") {
  const LockFile lock = parse_lock(text, "versions.lock");
  REQUIRE(lock.entries.size() == 2);
  CHECK(lock.find("WEB_IMAGE")->value == "docker.langfuse.com/langfuse/langfuse:4.16.0");
  CHECK(lock.find("DB_IMAGE")->line == 4);
  CHECK(lock.find("OTHER") == nullptr);
}

TEST_CASE("a line that Compose would read as something else is refused with its place") {
  CHECK(refusal("A=x:1\nnonsense\n") == "versions.lock:2: this is not NAME=image:tag");
  CHECK(refusal("A=x:1\nA=x:2\n") == "versions.lock:2: A is in line 1 already");
  CHECK(refusal("A=").find("no value") != std::string::npos);
  CHECK(refusal("A='x:1'").find("quote") != std::string::npos);
  CHECK(refusal("A=x:$TAG").find("$") != std::string::npos);
  CHECK(refusal("A B=x").find("letters") != std::string::npos);
}

TEST_CASE("an image reference is taken apart, also with a port and a digest") {
  const Reference full = parse_reference("localhost:5000/a/b:1.2@sha256:abc");
  CHECK(full.name == "localhost:5000/a/b");
  CHECK(full.tag == "1.2");
  CHECK(full.digest == "sha256:abc");
  CHECK(parse_reference("localhost:5000/a/b").tag.empty());
  CHECK(parse_reference("redis@sha256:abc").name == "redis");
}

TEST_CASE("D17 new values change their lines alone; comments, order and line ends stay") {
  CHECK(with_values(text, {{"WEB_IMAGE", "w:5@sha256:1"}, {"NOBODY", "x"}}) ==
        "# pinned\n\nWEB_IMAGE=w:5@sha256:1\r\nDB_IMAGE=localhost:5000/db:17");
}

TEST_CASE("D17 the lock file is replaced in one step, keeps its mode, and a link stays a link") {
  const fusebox::test::TempDir dir;
  const fs::path file = dir / "versions.lock";
  const fs::path link = dir / "link.lock";
  std::ofstream(file) << text;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(file, link);
  struct stat before {};
  ::stat(file.c_str(), &before);
  write_atomically(link, "A=b:1\n");
  struct stat after {};
  ::stat(file.c_str(), &after);
  CHECK(read_text(file) == "A=b:1\n");
  CHECK(fs::is_symlink(link));
  CHECK(before.st_ino != after.st_ino);
  CHECK((after.st_mode & 07777U) == 0600U);
  CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 2);  // no temporary file is left
}

TEST_CASE("a lock file that is not there, or a folder that is read-only, is named") {
  const fusebox::test::TempDir dir;
  try {
    read_lock(dir / "no.lock");
    FAIL("it was read");
  } catch (const fbx::Error& error) {
    CHECK(error.rc() == FBX_CONFIG);
    CHECK(std::string(error.what()).find("no.lock does not exist") != std::string::npos);
  }
  CHECK_THROWS_AS(write_atomically(dir / "nowhere" / "x.lock", "A=b\n"), fbx::Error);
}
