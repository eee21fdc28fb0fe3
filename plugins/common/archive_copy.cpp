// SPDX-License-Identifier: Apache-2.0
#include "common/archive_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>

#include "common/archive_parts.hpp"

namespace fbx::common {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_read(const PulledBytes& source, ::archive* a) {
  if (source.thrown) std::rethrow_exception(source.thrown);
  throw BrokenArchive(FBX_IO, fmt::format("cannot read the tar stream: {}", archive_text(a)),
                      "it is broken or no tar stream: make it anew");
}

ArchiveReader open_source(PulledBytes& source) {
  ArchiveReader reader(::archive_read_new(), &::archive_read_free);
  ::archive_read_support_format_tar(reader.get());
  if (::archive_read_open(reader.get(), &source, nullptr, &PulledBytes::read, nullptr) !=
      ARCHIVE_OK)
    fail_read(source, reader.get());
  return reader;
}

[[noreturn]] void fail_write(const PushedBytes& target, ::archive* a) {
  if (target.thrown) std::rethrow_exception(target.thrown);
  throw Error(FBX_IO, fmt::format("cannot write the tar stream: {}", archive_text(a)));
}

ArchiveWriter open_target(PushedBytes& target) {
  ArchiveWriter writer(::archive_write_new(), &::archive_write_free);
  ::archive_write_set_format_pax(writer.get());
  // Names are bytes here, whatever encoding somebody used.
  ::archive_write_set_format_option(writer.get(), "pax", "hdrcharset", "BINARY");
  ::archive_write_set_bytes_per_block(writer.get(), 65536);
  ::archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (::archive_write_open(writer.get(), &target, nullptr, &PushedBytes::write, nullptr) !=
      ARCHIVE_OK)
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
        source_{[this] { return pull(); }},
        target_{copy.push},
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
    while (!pull().empty()) continue;
    if (!end_.whole())
      throw BrokenArchive(FBX_IO, "the tar stream ends too early",
                          "whoever wrote it was interrupted: make it anew");
    if (::archive_write_close(writer_.get()) != ARCHIVE_OK) fail_write();
    return totals_;
  }

 private:
  std::string_view pull() {
    if (end_.ended()) return {};
    const std::string_view bytes = copy_.pull();
    end_.watch(bytes);
    return bytes;
  }
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
      write_zeros(hole_before(at, offset, count, size));
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
  TarEnd end_;
  PulledBytes source_;
  PushedBytes target_;
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
  PulledBytes source{pull};
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
  PushedBytes target{push};
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
  PulledBytes source{pull};
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
