// SPDX-License-Identifier: Apache-2.0
#include "common/archive_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <memory>

#include "common/archive_parts.hpp"

namespace fbx::common {

namespace {

namespace fs = std::filesystem;

// Two blocks of zeros end a tar stream.
constexpr std::uint64_t end_mark = 1024;

// libarchive calls back through C, so what a callback throws waits here until it is back.
struct Source {
  const std::function<std::string_view()>& pull;
  std::uint64_t zeros = 0;  // at the end of what came so far
  bool ended = false;
  std::exception_ptr thrown;

  std::string_view next() {
    const std::string_view bytes = pull();
    ended = bytes.empty();
    const auto last = bytes.find_last_not_of('\0');
    if (last == std::string_view::npos)
      zeros += bytes.size();
    else
      zeros = bytes.size() - last - 1;
    return bytes;
  }
};

struct Target {
  const std::function<void(std::string_view)>& push;
  std::exception_ptr thrown;
};

extern "C" la_ssize_t pull_bytes(::archive* a, void* context, const void** bytes) {
  auto& source = *static_cast<Source*>(context);
  try {
    if (source.ended) return 0;
    const std::string_view next = source.next();
    *bytes = next.data();
    return static_cast<la_ssize_t>(next.size());
  } catch (...) {
    source.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
    return -1;
  }
}

extern "C" la_ssize_t push_bytes(::archive* a, void* context, const void* bytes, std::size_t size) {
  auto& target = *static_cast<Target*>(context);
  try {
    target.push({static_cast<const char*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  } catch (...) {
    target.thrown = std::current_exception();
    ::archive_set_error(a, ECANCELED, "stopped");
    return -1;
  }
}

[[noreturn]] void fail_read(const Source& source, ::archive* a) {
  if (source.thrown) std::rethrow_exception(source.thrown);
  throw BrokenArchive(FBX_IO, fmt::format("cannot read the tar stream: {}", archive_text(a)),
                      "it is broken or no tar stream: make it anew");
}

ArchiveReader open_source(Source& source) {
  ArchiveReader reader(::archive_read_new(), &::archive_read_free);
  ::archive_read_support_format_tar(reader.get());
  if (::archive_read_open(reader.get(), &source, nullptr, &pull_bytes, nullptr) != ARCHIVE_OK)
    fail_read(source, reader.get());
  return reader;
}

[[noreturn]] void fail_write(const Target& target, ::archive* a) {
  if (target.thrown) std::rethrow_exception(target.thrown);
  throw Error(FBX_IO, fmt::format("cannot write the tar stream: {}", archive_text(a)));
}

ArchiveWriter open_target(Target& target) {
  ArchiveWriter writer(::archive_write_new(), &::archive_write_free);
  ::archive_write_set_format_pax(writer.get());
  // Names are bytes here, whatever encoding somebody used.
  ::archive_write_set_format_option(writer.get(), "pax", "hdrcharset", "BINARY");
  ::archive_write_set_bytes_per_block(writer.get(), 65536);
  ::archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (::archive_write_open(writer.get(), &target, nullptr, &push_bytes, nullptr) != ARCHIVE_OK)
    fail_write(target, writer.get());
  return writer;
}

fs::path without_first(const fs::path& path) {
  fs::path out;
  for (auto part = path.begin(); part != path.end(); ++part)
    if (part != path.begin()) out /= *part;
  return out;
}

class Copier {
 public:
  explicit Copier(const ArchiveCopy& copy)
      : copy_(copy),
        source_{copy.pull, 0, false, nullptr},
        target_{copy.push, nullptr},
        reader_(open_source(source_)),
        writer_(open_target(target_)) {}

  ArchiveTotals run() {
    ::archive_entry* entry = nullptr;
    for (;;) {
      const int rc = ::archive_read_next_header(reader_.get(), &entry);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK) fail_read(source_, reader_.get());
      add(entry);
    }
    while (!source_.ended) source_.next();
    if (source_.zeros < end_mark)
      throw BrokenArchive(FBX_IO, "the tar stream ends too early",
                          "whoever wrote it was interrupted: make it anew");
    if (::archive_write_close(writer_.get()) != ARCHIVE_OK) fail_write();
    return totals_;
  }

 private:
  [[noreturn]] void fail_write() { common::fail_write(target_, writer_.get()); }

  fs::path below(const fs::path& path) const {
    return copy_.drop_first ? without_first(path) : path;
  }

  std::string placed(const fs::path& path) const {
    const fs::path below = this->below(path);
    if (copy_.prefix.empty()) return below.empty() ? "." : below.string();
    return below.empty() ? copy_.prefix : (fs::path(copy_.prefix) / below).string();
  }

  void add(::archive_entry* entry) {
    const auto type = ::archive_entry_filetype(entry);
    const fs::path path = guard_.admit(entry);
    if (const fs::path inside = below(path);
        !inside.empty() && !copy_.leave_out.empty() && *inside.begin() == copy_.leave_out)
      return;
    const fs::path linked = guard_.hard_link(entry);
    if (!linked.empty()) ::archive_entry_copy_hardlink(entry, placed(linked).c_str());
    ::archive_entry_copy_pathname(entry, (placed(path) + (type == AE_IFDIR ? "/" : "")).c_str());
    // Owners are numbers: the names of one machine mean nothing on another.
    ::archive_entry_set_uname(entry, nullptr);
    ::archive_entry_set_gname(entry, nullptr);
    ::archive_entry_sparse_clear(entry);
    if (::archive_write_header(writer_.get(), entry) != ARCHIVE_OK) fail_write();
    if (type != AE_IFDIR) ++totals_.files;
    if (linked.empty() && ::archive_entry_size(entry) > 0)
      copy_content(static_cast<std::uint64_t>(::archive_entry_size(entry)));
  }

  void copy_content(std::uint64_t size) {
    std::uint64_t at = 0;
    for (;;) {
      const void* bytes = nullptr;
      std::size_t count = 0;
      la_int64_t offset = 0;
      const int rc = ::archive_read_data_block(reader_.get(), &bytes, &count, &offset);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK) fail_read(source_, reader_.get());
      write_zeros(static_cast<std::uint64_t>(offset) - at);
      write(bytes, count);
      at = static_cast<std::uint64_t>(offset) + count;
      totals_.bytes += count;
    }
    write_zeros(size - at);
  }

  // The holes of a sparse file.
  void write_zeros(std::uint64_t left) {
    static constexpr std::array<char, 65536> zeros{};
    for (; left > 0; left -= std::min<std::uint64_t>(left, zeros.size()))
      write(zeros.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size())));
  }

  void write(const void* bytes, std::size_t size) {
    if (::archive_write_data(writer_.get(), bytes, size) < 0) fail_write();
  }

  const ArchiveCopy& copy_;
  Source source_;
  Target target_;
  ArchiveReader reader_;
  ArchiveWriter writer_;
  EntryGuard guard_;
  ArchiveTotals totals_;
};

}  // namespace

ArchiveTotals copy_archive(const ArchiveCopy& copy) {
  const Utf8Locale utf8;
  return Copier(copy).run();
}

ArchiveRoot read_archive_root(const std::function<std::string_view()>& pull) {
  const Utf8Locale utf8;
  Source source{pull, 0, false, nullptr};
  const ArchiveReader reader = open_source(source);
  ArchiveRoot root;
  ::archive_entry* entry = nullptr;
  for (;;) {
    const int rc = ::archive_read_next_header(reader.get(), &entry);
    if (rc == ARCHIVE_EOF) return root;
    if (rc != ARCHIVE_OK) fail_read(source, reader.get());
    const char* name = ::archive_entry_pathname(entry);
    const fs::path path = fs::path(name != nullptr ? name : "").lexically_normal();
    const auto names =
        std::count_if(path.begin(), path.end(), [](const fs::path& part) { return !part.empty(); });
    root.empty = names <= 1;
    if (!root.empty) return root;
    root.uid = ::archive_entry_uid(entry);
    root.gid = ::archive_entry_gid(entry);
    root.mode = ::archive_entry_perm(entry);
  }
}

std::string small_archive(const std::vector<SmallEntry>& entries) {
  std::string out;
  const std::function<void(std::string_view)> push = [&](std::string_view bytes) { out += bytes; };
  Target target{push, nullptr};
  const ArchiveWriter writer = open_target(target);
  for (const SmallEntry& small : entries) {
    const std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)> entry(
        ::archive_entry_new(), &::archive_entry_free);
    const bool is_folder = small.path.ends_with('/');
    ::archive_entry_copy_pathname(entry.get(), small.path.c_str());
    ::archive_entry_set_filetype(entry.get(), is_folder ? AE_IFDIR : AE_IFREG);
    ::archive_entry_set_perm(entry.get(), small.mode);
    ::archive_entry_set_uid(entry.get(), small.uid);
    ::archive_entry_set_gid(entry.get(), small.gid);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(small.content.size()));
    if (::archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK ||
        ::archive_write_data(writer.get(), small.content.data(), small.content.size()) < 0)
      fail_write(target, writer.get());
  }
  if (::archive_write_close(writer.get()) != ARCHIVE_OK) fail_write(target, writer.get());
  return out;
}

std::string read_small_file(const std::function<std::string_view()>& pull) {
  const Utf8Locale utf8;
  Source source{pull, 0, false, nullptr};
  const ArchiveReader reader = open_source(source);
  ::archive_entry* entry = nullptr;
  if (::archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    fail_read(source, reader.get());
  std::string content(65536, '\0');
  const la_ssize_t size = ::archive_read_data(reader.get(), content.data(), content.size());
  if (size < 0) fail_read(source, reader.get());
  content.resize(static_cast<std::size_t>(size));
  return content;
}

}  // namespace fbx::common
