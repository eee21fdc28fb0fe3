// SPDX-License-Identifier: Apache-2.0
#include "util/fs.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.hpp"
#include "util/error.hpp"

namespace fs = std::filesystem;
namespace util = fusebox::util;
using fusebox::Errc;
using fusebox::test::TempDir;

namespace {

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::ptrdiff_t entries(const fs::path& dir) {
  return std::distance(fs::directory_iterator(dir), fs::directory_iterator());
}

template <class F>
fusebox::Error error_of(F&& action) {
  try {
    action();
  } catch (const fusebox::Error& error) {
    return error;
  }
  return fusebox::Error(Errc::internal, "nothing was thrown");
}

// Makes writes past `bytes` fail as a full disk does: a short write, then an error.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("write_new_file makes a file once, and never replaces anything") {
  const TempDir dir;
  CHECK(util::write_new_file(dir / "a", "first", 0644));
  CHECK_FALSE(util::write_new_file(dir / "a", "second", 0644));
  CHECK(util::read_file(dir / "a", 100) == "first");
  fs::create_symlink(dir / "elsewhere", dir / "link");
  CHECK_FALSE(util::write_new_file(dir / "link", "through", 0644));
  CHECK_FALSE(fs::exists(dir / "elsewhere"));
  CHECK_THROWS_AS(util::write_new_file(dir / "none/a", "x", 0644), fusebox::Error);
  CHECK(entries(dir.path()) == 2);
}

TEST_CASE("an atomic write replaces the whole file and sets its mode") {
  const TempDir dir;
  util::write_file_atomic(dir / "a", "first and longer", 0644);
  util::write_file_atomic(dir / "a", "second", 0600);
  CHECK(util::read_file(dir / "a", 100) == "second");
  CHECK(mode_of(dir / "a") == 0600);
  CHECK(entries(dir.path()) == 1);
}

TEST_CASE("a failed atomic write leaves the old file and nothing else") {
  const TempDir dir;
  util::write_file_atomic(dir / "a", "old", 0600);
  {
    const FileSizeLimit full(10);
    const auto error =
        error_of([&] { util::write_file_atomic(dir / "a", std::string(100, 'x'), 0600); });
    CHECK(error.code() == Errc::io);
    CHECK(std::string(error.what()).find("cannot write ") == 0);
  }
  CHECK(util::read_file(dir / "a", 100) == "old");
  CHECK(entries(dir.path()) == 1);

  fs::create_directories(dir / "target/full");
  CHECK_THROWS_AS(util::write_file_atomic(dir / "target", "x", 0600), fusebox::Error);
  CHECK(entries(dir.path()) == 2);
  CHECK(error_of([&] { util::write_file_atomic(dir / "none/a", "x", 0600); }).code() ==
        Errc::not_found);
}

TEST_CASE("reading refuses a file that is too large, and names one that is not there") {
  const TempDir dir;
  util::write_file_atomic(dir / "a", std::string(40000, 'x'), 0600);
  CHECK(util::read_file(dir / "a", 40000).size() == 40000);
  const auto large = error_of([&] { util::read_file(dir / "a", 39999); });
  CHECK(large.code() == Errc::argument);
  CHECK(std::string(large.what()) == (dir / "a").string() + " is larger than 39999 bytes");
  const auto gone = error_of([&] { util::read_file(dir / "gone", 1); });
  CHECK(gone.code() == Errc::not_found);
  CHECK(std::string(gone.what()).find((dir / "gone").string()) != std::string::npos);
  CHECK_THROWS_AS(util::read_file(dir.path(), 10), fusebox::Error);
}

TEST_CASE("private folders are made with all that is missing above them, mode 0700") {
  const TempDir dir;
  fs::create_directory(dir / "open");
  fs::permissions(dir / "open", fs::perms(0755));
  util::make_private_dirs(dir / "open/a/b/");
  util::make_private_dirs(dir / "open/a/b");
  CHECK(mode_of(dir / "open") == 0755);
  CHECK(mode_of(dir / "open/a") == 0700);
  CHECK(mode_of(dir / "open/a/b") == 0700);
  std::ofstream(dir / "file") << "x";
  CHECK_THROWS_AS(util::make_private_dirs(dir / "file/a"), fusebox::Error);
  CHECK_THROWS_AS(util::make_private_dirs(dir / "file"), fusebox::Error);
}

TEST_CASE("an append file grows, across openings too") {
  const TempDir dir;
  {
    util::AppendFile file(dir / "log", 0600);
    file.append("one\n");
    CHECK(file.path() == dir / "log");
  }
  util::AppendFile(dir / "log", 0600).append("two\n");
  CHECK(util::read_file(dir / "log", 100) == "one\ntwo\n");
  CHECK(mode_of(dir / "log") == 0600);
}

TEST_CASE("an append that does not fit leaves no part of itself") {
  const TempDir dir;
  util::AppendFile file(dir / "log", 0600);
  file.append("one\n");
  {
    const FileSizeLimit full(10);
    CHECK(error_of([&] { file.append("a line that is too long\n"); }).code() == Errc::io);
    CHECK_THROWS_AS(util::AppendFile(dir / "none/log", 0600), fusebox::Error);
  }
  CHECK(util::read_file(dir / "log", 100) == "one\n");
  file.append("two\n");
  CHECK(util::read_file(dir / "log", 100) == "one\ntwo\n");
}

TEST_CASE("digests are those of the standard's examples") {
  const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(util::sha256_hex("abc") == abc);
  CHECK(util::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const TempDir dir;
  util::write_file_atomic(dir / "a", "abc", 0600);
  CHECK(util::sha256_hex_file(dir / "a") == abc);
  CHECK_THROWS_AS(util::sha256_hex_file(dir / "gone"), fusebox::Error);
  CHECK_THROWS_AS(util::sha256_hex_file(dir.path()), fusebox::Error);
}

TEST_CASE("syncing a folder that is not there says so") {
  const TempDir dir;
  util::fsync_dir(dir.path());
  CHECK(error_of([&] { util::fsync_dir(dir / "gone"); }).code() == Errc::not_found);
}
