// SPDX-License-Identifier: Apache-2.0
#include "common/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <fusebox/plugin.hpp>
#include <sstream>
#include <thread>

#include "support/temp_dir.hpp"

namespace fs = std::filesystem;
using fbx::common::ArchivePace;
using fbx::common::ArchiveTotals;
using fbx::common::extract_archive;
using fbx::common::FolderState;
using fbx::common::write_archive;
using fusebox::test::TempDir;

namespace {

const ArchivePace no_pace = [](int, short) {};

class File {
 public:
  explicit File(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return fd_; }
  void rewind() const { ::lseek(fd_, 0, SEEK_SET); }

 private:
  int fd_;
};

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

struct ::stat status_of(const fs::path& path) {
  struct ::stat status {};
  ::lstat(path.c_str(), &status);
  return status;
}

// One entry of a stream that somebody made by hand.
struct Made {
  std::string path;
  mode_t type = AE_IFREG;
  std::string content;
  std::string symlink;
  std::string hardlink;
};

void make_stream(int fd, const std::vector<Made>& entries) {
  ::archive* a = ::archive_write_new();
  ::archive_write_set_format_pax(a);
  ::archive_write_open_fd(a, fd);
  for (const Made& made : entries) {
    ::archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, made.path.c_str());
    ::archive_entry_set_filetype(entry, made.type);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(made.content.size()));
    if (!made.symlink.empty()) ::archive_entry_set_symlink(entry, made.symlink.c_str());
    if (!made.hardlink.empty()) ::archive_entry_set_hardlink(entry, made.hardlink.c_str());
    ::archive_write_header(a, entry);
    ::archive_write_data(a, made.content.data(), made.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(a);
  ::archive_write_free(a);
  ::lseek(fd, 0, SEEK_SET);
}

// What extract_archive says to such a stream; "" when it takes it.
std::string refusal(const std::vector<Made>& entries) {
  TempDir dir;
  const File stream(dir / "stream");
  make_stream(stream.get(), entries);
  fs::create_directory(dir / "into");
  try {
    extract_archive(stream.get(), dir / "into", no_pace);
    return "";
  } catch (const fbx::Error& e) {
    CHECK(fs::is_empty(dir / "into"));
    CHECK(!fs::exists(dir / "outside"));
    return e.what();
  }
}

}  // namespace

TEST_CASE("a folder with everything that a tar stream can hold comes back the same") {
  TempDir dir;
  const fs::path from = dir / "from";
  const fs::path into = dir / "into";
  fs::create_directories(from / "sub" / "empty");
  fs::create_directory(into);
  write(from / "plain", "text");
  write(from / "empty-file", "");
  write(from / "sub" / "name with spaces, ümläuts and a\nnewline", "odd");
  write(from / fs::path(std::string(200, 'n')), "a long name");
  write(from / "latin-1 \xe9", "not UTF-8");
  fs::path deep = from;
  for (int i = 0; i < 20; ++i) deep /= fmt::format("{:020}", i);
  fs::create_directories(deep);
  write(deep / "deep", "a long path");
  fs::create_symlink("../nowhere/at all", from / "sub" / "dangling");
  fs::create_symlink("/etc/passwd", from / "absolute");
  fs::create_hard_link(from / "plain", from / "sub" / "same");
  ::mkfifo((from / "fifo").c_str(), 0640);
  ::chmod((from / "plain").c_str(), 04751);
  ::chmod((from / "sub").c_str(), 0700);
  const bool attributes = ::setxattr((from / "plain").c_str(), "user.note", "kept", 4, 0) == 0;
  if (::geteuid() == 0) REQUIRE(::lchown((from / "empty-file").c_str(), 12345, 54321) == 0);
  const ::timespec times[] = {{1'000'000'000, 5}, {1'234'567'890, 123'456'789}};
  ::utimensat(AT_FDCWD, (from / "empty-file").c_str(), times, 0);

  const File stream(dir / "stream");
  const ArchiveTotals out = write_archive(from, stream.get(), no_pace);
  stream.rewind();
  const ArchiveTotals in = extract_archive(stream.get(), into, no_pace);
  CHECK(out.files == 10);
  CHECK(in.files == out.files);
  CHECK(in.bytes == out.bytes);

  CHECK(read(into / "plain") == "text");
  CHECK(read(into / "sub" / "name with spaces, ümläuts and a\nnewline") == "odd");
  CHECK(read(into / fs::path(std::string(200, 'n'))) == "a long name");
  CHECK(read(into / "latin-1 \xe9") == "not UTF-8");
  CHECK(read(into / deep.lexically_relative(from) / "deep") == "a long path");
  CHECK(fs::read_symlink(into / "sub" / "dangling") == "../nowhere/at all");
  CHECK(fs::read_symlink(into / "absolute") == "/etc/passwd");
  CHECK(fs::is_directory(into / "sub" / "empty"));
  CHECK(status_of(into / "plain").st_ino == status_of(into / "sub" / "same").st_ino);
  CHECK(S_ISFIFO(status_of(into / "fifo").st_mode));
  CHECK((status_of(into / "plain").st_mode & 07777U) == 04751);
  CHECK((status_of(into / "sub").st_mode & 07777U) == 0700);
  CHECK(status_of(into / "empty-file").st_mtim.tv_sec == 1'234'567'890);
  CHECK(status_of(into / "empty-file").st_mtim.tv_nsec == 123'456'789);
  if (::geteuid() == 0) {
    CHECK(status_of(into / "empty-file").st_uid == 12345);
    CHECK(status_of(into / "empty-file").st_gid == 54321);
  }
  if (attributes) {
    char note[8] = {};
    CHECK(::getxattr((into / "plain").c_str(), "user.note", note, sizeof note) == 4);
    CHECK(std::string(note) == "kept");
  }
}

TEST_CASE("a sparse file keeps its content and its holes") {
  TempDir dir;
  fs::create_directories(dir / "from");
  fs::create_directories(dir / "into");
  const File sparse(dir / "from/sparse");
  const std::string block(65536, 'b');
  REQUIRE(::pwrite(sparse.get(), block.data(), block.size(), 8 << 20) > 0);
  REQUIRE(::ftruncate(sparse.get(), 32 << 20) == 0);
  const File stream(dir / "stream");
  write_archive(dir / "from", stream.get(), no_pace);
  stream.rewind();
  extract_archive(stream.get(), dir / "into", no_pace);
  CHECK(fs::file_size(dir / "into/sparse") == 32U << 20U);
  CHECK(read(dir / "into/sparse") == read(dir / "from/sparse"));
  if (status_of(dir / "from/sparse").st_blocks < 4096)  // this file system knows holes
    CHECK(status_of(dir / "into/sparse").st_blocks < 4096);
}

TEST_CASE("a stream that another program made is read as well") {
  TempDir dir;
  fs::create_directories(dir / "from/ä");
  fs::create_directories(dir / "into");
  write(dir / "from/ä/ü", "x");
  fs::create_symlink("ü", dir / "from/ä/link");
  const std::string command = fmt::format("tar -C '{}' --format=posix -cf '{}' .",
                                          (dir / "from").string(), (dir / "stream").string());
  REQUIRE(std::system(command.c_str()) == 0);
  const File stream(dir / "stream");
  extract_archive(stream.get(), dir / "into", no_pace);
  CHECK(read(dir / "into/ä/ü") == "x");
  CHECK(fs::read_symlink(dir / "into/ä/link") == "ü");
}

TEST_CASE("a large file goes through a pipe byte for byte") {
  TempDir dir;
  fs::create_directories(dir / "from");
  fs::create_directories(dir / "into");
  std::string content;
  for (unsigned i = 0; content.size() < 3'000'000; ++i) content += fmt::format("{} ", i * 7919U);
  write(dir / "from/large", content);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread writer([&] {
    write_archive(dir / "from", ends[1], no_pace);
    ::close(ends[1]);
  });
  extract_archive(ends[0], dir / "into", no_pace);
  writer.join();
  ::close(ends[0]);
  CHECK(read(dir / "into/large") == content);
}

TEST_CASE("entries that would leave the folder are refused, and what was written is removed") {
  CHECK(refusal({{"ok", AE_IFREG, "x", "", ""}}) == "");
  CHECK(refusal({{"ok", AE_IFREG, "x", "", ""}, {"../outside", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"../outside\", which climbs out with \"..\"");
  CHECK(refusal({{"a/../../outside", AE_IFREG, "x", "", ""}}).find("climbs out") !=
        std::string::npos);
  CHECK(refusal({{"/tmp/fusebox-outside", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"/tmp/fusebox-outside\", an absolute path");
  CHECK(refusal({{"link", AE_IFLNK, "", "..", ""}, {"link/outside", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"link/outside\", which goes through a symbolic link");
  CHECK(refusal({{"link", AE_IFLNK, "", "../outside", ""}, {"link", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"link\", which is in it twice");
  CHECK(refusal({{"hard", AE_IFREG, "", "", "../../etc/passwd"}}).find("climbs out") !=
        std::string::npos);
  CHECK(refusal({{"hard", AE_IFREG, "", "", "/etc/passwd"}}).find("an absolute path") !=
        std::string::npos);
  CHECK(refusal({{"link", AE_IFLNK, "", "/etc/passwd", ""}, {"hard", AE_IFREG, "", "", "link"}}) ==
        "the stream holds \"hard\", a hard link to a symbolic link");
  CHECK(refusal({{"a", AE_IFDIR, "", "", ""},
                 {"a", AE_IFLNK, "", "..", ""},
                 {"a/outside", AE_IFREG, "x", "", ""}})
            .find("a") != std::string::npos);
  CHECK(refusal({{"disk", AE_IFBLK, "", "", ""}}) == "the stream holds \"disk\", a device");
}

TEST_CASE("a stream that ends too early fails, and leaves nothing") {
  TempDir dir;
  fs::create_directories(dir / "from");
  fs::create_directories(dir / "into");
  write(dir / "from/a", std::string(300'000, 'a'));
  const File stream(dir / "stream");
  write_archive(dir / "from", stream.get(), no_pace);
  REQUIRE(::ftruncate(stream.get(), 150'000) == 0);
  stream.rewind();
  CHECK_THROWS_AS(extract_archive(stream.get(), dir / "into", no_pace), fbx::Error);
  CHECK(fs::is_empty(dir / "into"));
}

TEST_CASE("a stream that was cut off between two entries fails, too") {
  TempDir dir;
  fs::create_directories(dir / "from");
  fs::create_directories(dir / "into");
  for (const char* name : {"a", "b", "c"}) write(dir / "from" / name, std::string(600, 'a'));
  const File stream(dir / "stream");
  write_archive(dir / "from", stream.get(), no_pace);
  const auto size = static_cast<std::int64_t>(fs::file_size(dir / "stream"));
  for (std::int64_t cut = size - 512; cut >= 0; cut -= 512) {
    CAPTURE(cut);
    REQUIRE(::ftruncate(stream.get(), cut) == 0);
    stream.rewind();
    CHECK_THROWS_AS(extract_archive(stream.get(), dir / "into", no_pace), fbx::Error);
    CHECK(fs::is_empty(dir / "into"));
  }
}

TEST_CASE("only an empty folder is filled") {
  TempDir dir;
  fs::create_directories(dir / "into");
  write(dir / "into/precious", "x");
  const File stream(dir / "stream");
  make_stream(stream.get(), {{"a", AE_IFREG, "x", "", ""}});
  CHECK_THROWS_AS(extract_archive(stream.get(), dir / "into", no_pace), fbx::Error);
  CHECK(read(dir / "into/precious") == "x");
}

TEST_CASE("a socket is left out and named, a device is refused") {
  TempDir dir;
  fs::create_directories(dir / "from");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir / "from/sock").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<::sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
  const File stream(dir / "stream");
  const ArchiveTotals totals = write_archive(dir / "from", stream.get(), no_pace);
  CHECK(totals.skipped == std::vector<std::string>{"sock"});
  if (::mknod((dir / "from/null").c_str(), S_IFCHR | 0600, 0x103) == 0)
    CHECK_THROWS_WITH(write_archive(dir / "from", stream.get(), no_pace),
                      fmt::format("{} is a device", (dir / "from/null").string()).c_str());
}

TEST_CASE(
    "a live folder: what vanishes is left out, and a file that is cut off under the stream is "
    "a reason to try again") {
  TempDir dir;
  fs::create_directories(dir / "from/going");
  for (int i = 0; i < 50; ++i) {
    write(dir / "from" / fmt::format("stays-{}", i), "kept");
    write(dir / "from" / fmt::format("goes-{}", i), "");
    write(dir / "from/going" / std::to_string(i), "");
  }
  const auto remove = [&](int fd, short) {
    if (fd >= 0) return;
    fs::remove_all(dir / "from/going");
    for (int i = 0; i < 50; ++i) fs::remove(dir / "from" / fmt::format("goes-{}", i));
  };
  const File stream(dir / "stream");
  CHECK(write_archive(dir / "from", stream.get(), remove, FolderState::live).files >= 50);
  ::lseek(stream.get(), 0, SEEK_SET);
  fs::create_directory(dir / "into");
  extract_archive(stream.get(), dir / "into", no_pace);
  for (int i = 0; i < 50; ++i) CHECK(fs::exists(dir / "into" / fmt::format("stays-{}", i)));

  const auto code_of = [&](FolderState state) {
    write(dir / "from/large", std::string(8 << 20, 'x'));
    fs::remove(dir / "half");
    const File half(dir / "half");
    const auto cut = [&](int, short) {
      if (fs::file_size(dir / "half") > (1U << 20U)) fs::resize_file(dir / "from/large", 5);
    };
    try {
      write_archive(dir / "from", half.get(), cut, state);
      return FBX_OK;
    } catch (const fbx::Error& e) {
      return e.rc();
    }
  };
  CHECK(code_of(FolderState::live) == FBX_UNAVAILABLE);
  CHECK(code_of(FolderState::still) == FBX_IO);
}

TEST_CASE("pace ends a transfer that waits for the other side") {
  TempDir dir;
  fs::create_directories(dir / "from");
  write(dir / "from/large", std::string(1 << 20, 'x'));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  // Nobody reads: the pipe fills, and then the operator has had enough.
  const ArchivePace impatient = [](int fd, short events) {
    if (fd < 0) return;
    ::pollfd item{fd, events, 0};
    if (::poll(&item, 1, 100) == 0) throw fbx::Error(FBX_CANCELLED, "cancelled");
  };
  CHECK_THROWS_WITH(write_archive(dir / "from", ends[1], impatient), "cancelled");
  ::close(ends[0]);
  // A reader that went away is an error, not the end of the program.
  CHECK_THROWS_AS(write_archive(dir / "from", ends[1], no_pace), fbx::Error);
  ::close(ends[1]);
}
