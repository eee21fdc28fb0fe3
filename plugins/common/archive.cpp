// SPDX-License-Identifier: Apache-2.0
#include "archive.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fusebox/plugin.hpp>
#include <memory>

#include "archive_parts.hpp"
#include "pipe_signal.hpp"

namespace fbx::common {
namespace {

namespace fs = std::filesystem;

using Reader = ArchiveReader;
using Writer = ArchiveWriter;
using Entry = std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)>;

// libarchive calls back through C, so what a callback throws waits here until it is back.
struct Stream {
  int fd;
  const ArchivePace& pace;
  bool regular = false;  // a file never blocks, so it may be written in large pieces
  std::exception_ptr thrown;
  TarEnd end;  // of what is read
  std::array<char, 65536> buffer{};

  Stream(int descriptor, const ArchivePace& wait) : fd(descriptor), pace(wait) {
    struct ::stat status {};
    regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  }
};

[[noreturn]] void fail(const Stream& stream, ::archive* a, const std::string& what) {
  if (stream.thrown) std::rethrow_exception(stream.thrown);
  throw Error(FBX_IO, fmt::format("{}: {}", what, archive_text(a)),
              "check the disk and who reads or writes the other end of the stream");
}

extern "C" la_ssize_t write_stream(::archive* a, void* context, const void* bytes,
                                   std::size_t size) {
  auto& stream = *static_cast<Stream*>(context);
  // poll() promises room for this much in a pipe; a larger write might block past cancellation.
  const std::size_t piece = stream.regular ? size : std::min<std::size_t>(size, 4096);
  try {
    for (;;) {
      stream.pace(stream.fd, POLLOUT);
      const PipeSignalGuard guard;
      const ssize_t written = ::write(stream.fd, bytes, piece);
      if (written >= 0) return written;
      if (errno != EINTR && errno != EAGAIN) break;
    }
    ::archive_set_error(a, errno, "cannot write to the stream: %s", std::strerror(errno));
  } catch (...) {
    stream.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
  }
  return -1;
}

extern "C" la_ssize_t read_stream(::archive* a, void* context, const void** bytes) {
  auto& stream = *static_cast<Stream*>(context);
  *bytes = stream.buffer.data();
  try {
    for (;;) {
      stream.pace(stream.fd, POLLIN);
      const ssize_t got = ::read(stream.fd, stream.buffer.data(), stream.buffer.size());
      if (got >= 0) {
        stream.end.watch({stream.buffer.data(), static_cast<std::size_t>(got)});
        return got;
      }
      if (errno != EINTR && errno != EAGAIN) break;
    }
    ::archive_set_error(a, errno, "cannot read from the stream: %s", std::strerror(errno));
  } catch (...) {
    stream.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
  }
  return -1;
}

Reader open_stream(Stream& stream) {
  Reader reader(::archive_read_new(), &::archive_read_free);
  ::archive_read_support_format_tar(reader.get());
  if (::archive_read_open(reader.get(), &stream, nullptr, &read_stream, nullptr) != ARCHIVE_OK)
    fail(stream, reader.get(), "cannot read the tar stream");
  return reader;
}

// ---- Writing ------------------------------------------------------------------------------------

class Packer {
 public:
  Packer(fs::path folder, int fd, const ArchivePace& pace, FolderState state)
      : folder_(std::move(folder)),
        state_(state),
        stream_(fd, pace),
        writer_(::archive_write_new(), &::archive_write_free),
        disk_(::archive_read_disk_new(), &::archive_read_free),
        links_(::archive_entry_linkresolver_new(), &::archive_entry_linkresolver_free) {
    ::archive_write_set_format_pax(writer_.get());
    // Names are bytes here, whatever encoding somebody used.
    ::archive_write_set_format_option(writer_.get(), "pax", "hdrcharset", "BINARY");
    ::archive_write_set_bytes_per_block(writer_.get(), 65536);
    ::archive_write_set_bytes_in_last_block(writer_.get(), 1);
    if (::archive_write_open(writer_.get(), &stream_, nullptr, &write_stream, nullptr) !=
        ARCHIVE_OK)
      fail(stream_, writer_.get(), "cannot write the tar stream");
    ::archive_read_disk_set_symlink_physical(disk_.get());
    ::archive_entry_linkresolver_set_strategy(links_.get(), ::archive_format(writer_.get()));
  }

  ArchiveTotals run() {
    if (::archive_read_disk_open(disk_.get(), folder_.c_str()) != ARCHIVE_OK)
      fail(stream_, disk_.get(), "cannot read " + folder_.string());
    while (add_next()) stream_.pace(-1, 0);
    if (::archive_write_close(writer_.get()) != ARCHIVE_OK)
      fail(stream_, writer_.get(), "cannot write the tar stream");
    return totals_;
  }

 private:
  bool add_next() {
    Entry entry(::archive_entry_new(), &::archive_entry_free);
    const int rc = ::archive_read_next_header2(disk_.get(), entry.get());
    if (rc == ARCHIVE_EOF) return false;
    // Warnings too: an attribute that cannot be read would be missing after a restore.
    if (rc != ARCHIVE_OK && !(has_vanished() && rc != ARCHIVE_FATAL))
      fail(stream_, disk_.get(), "cannot read " + folder_.string());
    if (rc < ARCHIVE_WARN) return true;
    ::archive_read_disk_descend(disk_.get());
    const fs::path path = ::archive_entry_pathname(entry.get());
    const std::string name = path.lexically_relative(folder_).string();
    if (name == ".") {
      add_root(entry.get());
      return true;
    }
    const auto type = ::archive_entry_filetype(entry.get());
    if (type == AE_IFSOCK) {
      totals_.skipped.push_back(name);
      return true;
    }
    if (type == AE_IFBLK || type == AE_IFCHR)
      throw Error(FBX_UNSUPPORTED, fmt::format("{} is a device", path.string()),
                  "a data folder should hold none: remove it");
    ::archive_entry_copy_pathname(entry.get(), name.c_str());
    forget_names(entry.get());
    add(entry.release(), path);
    return true;
  }

  // Owners are numbers: the names of this machine mean nothing elsewhere.
  static void forget_names(::archive_entry* entry) {
    ::archive_entry_set_uname(entry, nullptr);
    ::archive_entry_set_gname(entry, nullptr);
  }

  // The folder itself, for its owner and mode.
  void add_root(::archive_entry* entry) {
    ::archive_entry_copy_pathname(entry, "./");
    forget_names(entry);
    if (::archive_write_header(writer_.get(), entry) != ARCHIVE_OK)
      fail(stream_, writer_.get(), "cannot write the tar stream");
  }

  void add(::archive_entry* raw, const fs::path& path) {
    ::archive_entry* held = nullptr;
    ::archive_entry_linkify(links_.get(), &raw, &held);
    const Entry entry(raw, &::archive_entry_free);
    if (!entry) return;
    if (::archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK)
      fail(stream_, writer_.get(), "cannot write " + path.string());
    if (::archive_entry_filetype(entry.get()) != AE_IFDIR) ++totals_.files;
    if (::archive_entry_size(entry.get()) > 0) copy_content(entry.get(), path);
  }

  // libarchive wants the holes of a sparse file written out, and leaves them out again itself.
  void copy_content(::archive_entry* entry, const fs::path& path) {
    const auto expected = static_cast<std::uint64_t>(::archive_entry_size(entry));
    std::uint64_t at = 0;
    for (;;) {
      const void* bytes = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int rc = ::archive_read_data_block(disk_.get(), &bytes, &size, &offset);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK && has_vanished()) throw changed(path, at, expected);
      if (rc != ARCHIVE_OK) fail(stream_, disk_.get(), "cannot read " + path.string());
      write_zeros(at, static_cast<std::uint64_t>(offset), path);
      write_data(bytes, size, path);
      at = static_cast<std::uint64_t>(offset) + size;
      totals_.bytes += size;
      stream_.pace(-1, 0);
    }
    if (::archive_entry_sparse_count(entry) > 0)
      write_zeros(at, expected, path);
    else if (at != expected)
      throw changed(path, at, expected);
  }

  // Is that what libarchive complains of?
  bool has_vanished() const {
    return state_ == FolderState::live && ::archive_errno(disk_.get()) == ENOENT;
  }

  Error changed(const fs::path& path, std::uint64_t at, std::uint64_t expected) const {
    const bool live = state_ == FolderState::live;
    return {
        live ? FBX_UNAVAILABLE : FBX_IO,
        fmt::format("{} changed while it was read: {} of {} bytes", path.string(), at, expected),
        live ? "try again; if that does not help, stop its service first"
             : "stop its service first"};
  }

  void write_zeros(std::uint64_t from, std::uint64_t to, const fs::path& path) {
    static constexpr std::array<char, 65536> zeros{};
    while (from < to) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(to - from, zeros.size()));
      write_data(zeros.data(), size, path);
      from += size;
    }
  }

  void write_data(const void* bytes, std::size_t size, const fs::path& path) {
    if (::archive_write_data(writer_.get(), bytes, size) < 0)
      fail(stream_, writer_.get(), "cannot write " + path.string());
  }

  fs::path folder_;
  FolderState state_;
  Stream stream_;
  Writer writer_;
  Reader disk_;
  std::unique_ptr<::archive_entry_linkresolver, decltype(&::archive_entry_linkresolver_free)>
      links_;
  ArchiveTotals totals_;
};

// ---- Extracting ---------------------------------------------------------------------------------

class Unpacker {
 public:
  Unpacker(fs::path folder, int fd, const ArchivePace& pace)
      : folder_(std::move(folder)),
        stream_(fd, pace),
        reader_(open_stream(stream_)),
        disk_(::archive_write_disk_new(), &::archive_write_free) {
    int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
                ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SPARSE | ARCHIVE_EXTRACT_NO_OVERWRITE;
    if (::geteuid() == 0) flags |= ARCHIVE_EXTRACT_OWNER;
    ::archive_write_disk_set_options(disk_.get(), flags);
  }

  ArchiveTotals run() {
    ::archive_entry* entry = nullptr;
    for (;;) {
      const int rc = ::archive_read_next_header(reader_.get(), &entry);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK) fail(stream_, reader_.get(), "cannot read the tar stream");
      extract(entry);
      stream_.pace(-1, 0);
    }
    require_end();
    if (::archive_write_close(disk_.get()) != ARCHIVE_OK)
      fail(stream_, disk_.get(), "cannot finish " + folder_.string());
    return totals_;
  }

 private:
  void require_end() {
    const void* bytes = nullptr;
    while (!stream_.end.ended())
      if (read_stream(reader_.get(), &stream_, &bytes) < 0)
        fail(stream_, reader_.get(), "cannot read the tar stream");
    if (!stream_.end.whole())
      throw Error(FBX_IO, "the tar stream ends too early",
                  "whoever wrote it was interrupted: make it anew");
  }

  void extract(::archive_entry* entry) {
    const fs::path path = guard_.admit(entry);
    const fs::path linked = guard_.hard_link(entry);
    const auto type = ::archive_entry_filetype(entry);
    if (!linked.empty()) ::archive_entry_copy_hardlink(entry, (folder_ / linked).c_str());
    ::archive_entry_copy_pathname(entry, path.empty() ? folder_.c_str() : (folder_ / path).c_str());
    if (::archive_write_header(disk_.get(), entry) != ARCHIVE_OK)
      fail(stream_, disk_.get(), "cannot write " + (folder_ / path).string());
    if (type != AE_IFDIR) ++totals_.files;
    if (::archive_entry_size(entry) > 0) copy_content(folder_ / path);
    if (::archive_write_finish_entry(disk_.get()) != ARCHIVE_OK)
      fail(stream_, disk_.get(), "cannot finish " + (folder_ / path).string());
  }

  void copy_content(const fs::path& path) {
    for (;;) {
      const void* bytes = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int rc = ::archive_read_data_block(reader_.get(), &bytes, &size, &offset);
      if (rc == ARCHIVE_EOF) return;
      if (rc != ARCHIVE_OK) fail(stream_, reader_.get(), "cannot read the tar stream");
      if (::archive_write_data_block(disk_.get(), bytes, size, offset) < ARCHIVE_OK)
        fail(stream_, disk_.get(), "cannot write " + path.string());
      totals_.bytes += size;
    }
  }

  fs::path folder_;
  Stream stream_;
  Reader reader_;
  Writer disk_;
  EntryGuard guard_;
  ArchiveTotals totals_;
};

}  // namespace

ArchiveTotals write_archive(const fs::path& folder, int fd, const ArchivePace& pace,
                            FolderState state) {
  const Utf8Locale utf8;
  return Packer(folder, fd, pace, state).run();
}

ArchiveTotals extract_archive(int fd, const fs::path& folder, const ArchivePace& pace) {
  std::error_code error;
  if (!fs::is_empty(folder, error) || error)
    throw Error(FBX_CONFLICT,
                error ? fmt::format("cannot read {}: {}", folder.string(), error.message())
                      : fmt::format("{} is not empty", folder.string()),
                "a stream is only unpacked into an empty folder");
  struct ::stat before {};
  ::stat(folder.c_str(), &before);
  const Utf8Locale utf8;
  try {
    return Unpacker(folder, fd, pace).run();
  } catch (...) {
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(folder, ignored)) fs::remove_all(item, ignored);
    ::chmod(folder.c_str(), before.st_mode & 07777U);
    if (::geteuid() == 0 && ::chown(folder.c_str(), before.st_uid, before.st_gid) != 0)
      throw Error(FBX_IO, fmt::format("cannot give {} back to its owner", folder.string()));
    throw;
  }
}

}  // namespace fbx::common
