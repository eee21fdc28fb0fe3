// SPDX-License-Identifier: Apache-2.0
#include "common/tar_walk.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <memory>
#include <vector>

#include "common/archive_parts.hpp"
#include "common/io.hpp"

namespace fbx::common {

namespace {

constexpr std::size_t kMaxContent = 64U << 20U;

struct Source {
  Source(const Op& op, int fd, const TarWalk& w) : in(op, fd, "reading a tar stream"), walk(w) {}

  Stream in;
  const TarWalk& walk;
  std::vector<char> buffer = std::vector<char>(1U << 17U);
  std::exception_ptr thrown;
  TarEnd end;

  std::string_view next() {
    const std::size_t got = in.read(buffer);
    const std::string_view piece(buffer.data(), got);
    end.watch(piece);
    if (walk.tee && got != 0) walk.tee(piece);
    return piece;
  }
};

extern "C" la_ssize_t read_tar(::archive* a, void* context, const void** bytes) {
  auto& source = *static_cast<Source*>(context);
  try {
    const std::string_view piece = source.next();
    *bytes = piece.data();
    return static_cast<la_ssize_t>(piece.size());
  } catch (...) {
    source.thrown = std::current_exception();
    ::archive_set_error(a, EIO, "stopped");
    return -1;
  }
}

// Path without "./", or an error for one that leads out of the folder.
std::string plain_path(const char* raw) {
  const std::filesystem::path path(raw != nullptr ? raw : "");
  std::filesystem::path plain;
  for (const auto& part : path) {
    if (part == ".." || path.is_absolute() || raw == nullptr)
      throw Error(FBX_FAILED, fmt::format("the tar stream holds \"{}\", which leads out of its "
                                          "folder",
                                          path.string()));
    if (part != "." && !part.empty()) plain /= part;
  }
  return plain.string();
}

// Hands out an entry's content, with zeros for what its blocks leave out.
class Content {
 public:
  Content(const TarWalk& walk, const TarEntry& entry) : walk_(walk), entry_(entry) {}

  void add(std::uint64_t offset, std::string_view bytes) {
    if (!walk_.content) return;
    fill(offset);
    walk_.content(entry_, bytes);
    at_ += bytes.size();
  }
  void fill(std::uint64_t to) {
    static constexpr std::array<char, 65536> zeros{};
    while (walk_.content && at_ < to) {
      const auto size = std::min<std::uint64_t>(to - at_, zeros.size());
      walk_.content(entry_, {zeros.data(), static_cast<std::size_t>(size)});
      at_ += size;
    }
  }

 private:
  const TarWalk& walk_;
  const TarEntry& entry_;
  std::uint64_t at_ = 0;
};

}  // namespace

TarTotals walk_tar(const Op& op, int fd, const TarWalk& walk) {
  const Utf8Locale utf8;
  Source source(op, fd, walk);
  const ArchiveReader reader(::archive_read_new(), &::archive_read_free);
  ::archive* a = reader.get();
  ::archive_read_support_format_tar(a);
  const auto check = [&](int rc) {
    if (rc >= ARCHIVE_WARN) return rc;
    if (source.thrown) std::rethrow_exception(source.thrown);
    const char* text = ::archive_error_string(a);
    throw Error(FBX_FAILED, fmt::format("the tar stream cannot be read: {}",
                                        text != nullptr ? text : "unknown error"));
  };
  check(::archive_read_open(a, &source, nullptr, &read_tar, nullptr));
  TarTotals totals;
  ::archive_entry* raw = nullptr;
  while (check(::archive_read_next_header(a, &raw)) != ARCHIVE_EOF) {
    TarEntry entry;
    entry.path = plain_path(::archive_entry_pathname(raw));
    entry.is_file = ::archive_entry_filetype(raw) != AE_IFDIR;
    entry.is_hard_link = ::archive_entry_hardlink(raw) != nullptr;
    if (entry.is_file) ++totals.files;
    if (::archive_entry_filetype(raw) == AE_IFREG && !entry.is_hard_link)
      entry.size = static_cast<std::uint64_t>(::archive_entry_size(raw));
    Content content(walk, entry);
    const bool keep = walk.wants && walk.wants(entry.path);
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while (check(::archive_read_data_block(a, &bytes, &size, &offset)) != ARCHIVE_EOF) {
      entry.bytes += size;
      content.add(static_cast<std::uint64_t>(offset), {static_cast<const char*>(bytes), size});
      if (!keep) continue;
      if (entry.content.size() + size > kMaxContent)
        throw Error(FBX_FAILED, fmt::format("{} in the tar stream is too large", entry.path));
      entry.content.append(static_cast<const char*>(bytes), size);
    }
    content.fill(entry.size);
    totals.bytes += entry.bytes;
    if (walk.entry) walk.entry(entry);
  }
  if (source.thrown) std::rethrow_exception(source.thrown);
  while (!source.end.ended()) source.next();  // the padding at the end belongs to the stream
  if (!source.end.whole()) throw Error(FBX_FAILED, "the tar stream ends too early");
  return totals;
}

}  // namespace fbx::common
