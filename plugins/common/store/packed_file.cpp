// SPDX-License-Identifier: Apache-2.0
#include "common/store/packed_file.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/digest.hpp"
#include "common/io.hpp"
#include "common/store/sealing.hpp"

namespace fbx::store {

namespace {

namespace fs = std::filesystem;
using common::Fd;

constexpr std::size_t kPiece = 1U << 18U;

using Writer = std::unique_ptr<::archive, decltype(&::archive_write_free)>;
using Reader = std::unique_ptr<::archive, decltype(&::archive_read_free)>;
using Entry = std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)>;

Error library_error(::archive* a, const std::string& what) {
  const char* text = ::archive_error_string(a);
  return {FBX_IO, fmt::format("{}: {}", what, text != nullptr ? text : "unknown error")};
}

// The file that is written, and its hash on the way.
class Output {
 public:
  Output(const common::Folder& folder, const std::string& file)
      : path_(folder.path() / file), fd_(folder.create_file(file)) {}

  void write(std::string_view bytes) {
    common::write_all(fd_.get(), bytes, path_);
    digest_.add(bytes);
    size_ += bytes.size();
  }
  Packed finish(std::uint64_t bytes) {
    common::sync_file(fd_.get(), path_);
    return {bytes, size_, digest_.hex()};
  }

 private:
  fs::path path_;
  Fd fd_;
  common::Sha256Thread digest_;
  std::uint64_t size_ = 0;
};

// What a callback throws waits here until libarchive has returned.
struct Target {
  std::function<void(std::string_view)> take;
  std::exception_ptr thrown;
};

extern "C" la_ssize_t write_packed(::archive* a, void* context, const void* bytes,
                                   std::size_t size) {
  auto& target = *static_cast<Target*>(context);
  try {
    target.take({static_cast<const char*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  } catch (...) {
    target.thrown = std::current_exception();
    ::archive_set_error(a, EIO, "stopped");
    return -1;
  }
}

class Compressor {
 public:
  Compressor(std::function<void(std::string_view)> take, const PackOptions& options)
      : target_{std::move(take), nullptr}, writer_(::archive_write_new(), &::archive_write_free) {
    ::archive* a = writer_.get();
    ::archive_write_set_format_raw(a);
    check(::archive_write_add_filter_zstd(a));
    check(::archive_write_set_filter_option(a, "zstd", "compression-level",
                                            std::to_string(options.level).c_str()));
    // A library without threads refuses the option, and works without.
    ::archive_write_set_filter_option(a, "zstd", "threads",
                                      std::to_string(options.threads).c_str());
    ::archive_write_set_bytes_per_block(a, static_cast<int>(kPiece));
    ::archive_write_set_bytes_in_last_block(a, 1);
    check(::archive_write_open(a, &target_, nullptr, &write_packed, nullptr));
    const Entry entry(::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), "data");
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    check(::archive_write_header(a, entry.get()));
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const la_ssize_t put = ::archive_write_data(writer_.get(), bytes.data(), bytes.size());
      if (put <= 0) fail();
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  void finish() { check(::archive_write_close(writer_.get())); }

 private:
  void check(int rc) {
    if (rc < ARCHIVE_WARN) fail();
  }
  [[noreturn]] void fail() {
    if (target_.thrown) std::rethrow_exception(target_.thrown);
    throw library_error(writer_.get(), "cannot compress");
  }
  Target target_;
  Writer writer_;
};

// A file as it is read, and its hash on the way.
struct Source {
  const Op& op;
  fs::path path;
  Fd fd;
  common::Sha256Thread digest;
  std::uint64_t size = 0;
  std::vector<char> buffer = std::vector<char>(kPiece);

  Source(const Op& o, const common::Folder& folder, const std::string& file)
      : op(o), path(folder.path() / file), fd(folder.open_file(file)) {}

  std::string_view next() {
    op.check("reading " + path.string());
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw common::io_error("read", path, errno);
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      digest.add(bytes);
      size += bytes.size();
      return bytes;
    }
  }
};

// What the decompressor reads.
struct Pulled {
  std::function<std::string_view()> pull;
  std::exception_ptr thrown = nullptr;
};

extern "C" la_ssize_t read_packed(::archive* a, void* context, const void** bytes) {
  auto& source = *static_cast<Pulled*>(context);
  try {
    const std::string_view piece = source.pull();
    *bytes = piece.data();
    return static_cast<la_ssize_t>(piece.size());
  } catch (...) {
    source.thrown = std::current_exception();
    ::archive_set_error(a, EIO, "stopped");
    return -1;
  }
}

Error damaged(const fs::path& path, const std::string& why) {
  return {FBX_FAILED, fmt::format("{} is damaged: {}", path.string(), why),
          "use another generation: `fusebox backup list`; a copy of this one may still be whole"};
}

// All of it from `from` on.
std::uint64_t copy_plain(const std::function<std::string_view()>& pull, std::uint64_t from,
                         const common::Stream& out) {
  std::uint64_t seen = 0;
  std::uint64_t bytes = 0;
  for (std::string_view piece; !(piece = pull()).empty();) {
    const std::uint64_t before = std::exchange(seen, seen + piece.size());
    if (before < from) piece.remove_prefix(std::min<std::uint64_t>(from - before, piece.size()));
    out.write(piece);
    bytes += piece.size();
  }
  return bytes;
}

void require_expected(Source& source, const Expected& expected) {
  while (!source.next().empty()) continue;  // what the decompressor did not want to see
  if (source.size != expected.stored_bytes)
    throw damaged(source.path,
                  fmt::format("{} bytes instead of {}", source.size, expected.stored_bytes));
  if (source.digest.hex() != expected.sha256)
    throw damaged(source.path, "its SHA-256 is not the manifest's");
}

std::uint64_t copy_unpacked(const fs::path& path, const std::function<std::string_view()>& pull,
                            const common::Stream& out) {
  Pulled source{pull};
  const Reader reader(::archive_read_new(), &::archive_read_free);
  ::archive* a = reader.get();
  ::archive_read_support_filter_zstd(a);
  ::archive_read_support_format_raw(a);
  ::archive_read_support_format_empty(a);
  const auto fail = [&]() {
    if (source.thrown) std::rethrow_exception(source.thrown);
    const char* text = ::archive_error_string(a);
    throw damaged(path, text != nullptr ? text : "it cannot be decompressed");
  };
  ::archive_entry* entry = nullptr;
  if (::archive_read_open(a, &source, nullptr, &read_packed, nullptr) != ARCHIVE_OK) fail();
  const int header = ::archive_read_next_header(a, &entry);
  if (header == ARCHIVE_EOF) return 0;  // an empty stream
  if (header != ARCHIVE_OK) fail();
  std::uint64_t bytes = 0;
  std::vector<char> buffer(kPiece);
  for (;;) {
    const la_ssize_t got = ::archive_read_data(a, buffer.data(), buffer.size());
    if (got < 0) fail();
    if (got == 0) return bytes;
    out.write({buffer.data(), static_cast<std::size_t>(got)});
    bytes += static_cast<std::uint64_t>(got);
  }
}

std::uint64_t copy_in(const Op& op, int fd, const std::string& what,
                      const std::function<void(std::string_view)>& take) {
  const common::Stream in(op, fd, what);
  std::vector<char> buffer(kPiece);
  std::uint64_t bytes = 0;
  while (const std::size_t got = in.read(buffer)) {
    take({buffer.data(), got});
    bytes += got;
    op.progress(bytes, 0, "bytes", what);
  }
  return bytes;
}

}  // namespace

Packed pack(const Op& op, int fd, const common::Folder& folder, const std::string& file,
            const PackOptions& options) {
  const std::string what = "storing " + file;
  Output output(folder, file);
  try {
    std::function<void(std::string_view)> take = [&](std::string_view piece) {
      output.write(piece);
    };
    std::optional<Sealer> sealer;
    if (!options.recipients.empty()) {
      sealer.emplace(op, options.recipients, std::exchange(take, nullptr));
      take = [&](std::string_view piece) { sealer->write(piece); };
    }
    std::uint64_t bytes = 0;
    if (options.packing == Packing::none) {
      bytes = copy_in(op, fd, what, take);
    } else {
      Compressor compressor(take, options);
      bytes = copy_in(op, fd, what, [&](std::string_view piece) { compressor.write(piece); });
      compressor.finish();
    }
    if (sealer) sealer->finish();
    return output.finish(bytes);
  } catch (...) {
    ::unlinkat(folder.fd(), file.c_str(), 0);
    throw;
  }
}

std::uint64_t unpack(const Op& op, const common::Folder& folder, const std::string& file,
                     const Expected& expected, const UnpackOptions& options, int fd) {
  Source source(op, folder, file);
  std::function<std::string_view()> pull = [&] { return source.next(); };
  std::optional<Opener> opener;
  if (options.identity != nullptr) {
    opener.emplace(op, *options.identity, std::exchange(pull, nullptr));
    pull = [&] { return opener->next(); };
  }
  const common::Stream out(op, fd, "reading " + file);
  std::uint64_t bytes = 0;
  try {
    bytes = options.packing == Packing::zstd ? copy_unpacked(source.path, pull, out)
                                             : copy_plain(pull, 0, out);
  } catch (const Error& error) {
    // What cannot be decrypted may be damaged: the hash tells, and comes first.
    if (!opener || error.rc() == FBX_CANCELLED || error.rc() == FBX_TIMEOUT) throw;
    opener->stop();
    require_expected(source, expected);
    throw Error(error.rc(), fmt::format("{}: {}", source.path.string(), error.what()),
                error.hint());
  }
  if (opener) opener->stop();
  require_expected(source, expected);
  return bytes;
}

std::uint64_t send_stored(const Op& op, const common::Folder& folder, const std::string& file,
                          const Expected& expected, std::uint64_t from, int fd) {
  Source source(op, folder, file);
  const std::uint64_t bytes =
      copy_plain([&] { return source.next(); }, from, common::Stream(op, fd, "reading " + file));
  require_expected(source, expected);
  return bytes;
}

Packed measure(const Op& op, const common::Folder& folder, const std::string& file) {
  Source source(op, folder, file);
  common::read_from_disk(source.fd.get());
  while (!source.next().empty()) continue;
  return {0, source.size, source.digest.hex()};
}

}  // namespace fbx::store
