// SPDX-License-Identifier: Apache-2.0
#include "common/archive_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <fusebox/plugin.hpp>
#include <vector>

#include "common/archive_parts.hpp"

namespace fbx::common {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(FBX_FAILED, "the archive cannot be read: " + why,
              "it is damaged, cut off, or no tar archive: use another");
}

// The archive without its compression.
class Plain {
 public:
  explicit Plain(std::function<std::string_view()> pull)
      : pull_{std::move(pull)}, reader_(::archive_read_new(), &::archive_read_free) {
    ::archive* a = reader_.get();
    ::archive_read_support_filter_gzip(a);
    ::archive_read_support_filter_zstd(a);
    ::archive_read_support_format_raw(a);
    ::archive_entry* entry = nullptr;
    check(::archive_read_open(a, &pull_, nullptr, &PulledBytes::read, nullptr));
    if (::archive_read_next_header(a, &entry) != ARCHIVE_OK) fail();
  }

  std::string_view next() {
    if (end_.ended()) return {};
    const la_ssize_t got = ::archive_read_data(reader_.get(), buffer_.data(), buffer_.size());
    if (got < 0) fail();
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    end_.watch(bytes);
    return bytes;
  }
  // To the end, which must be that of a tar stream.
  void finish() {
    while (!next().empty()) continue;
    if (!end_.whole()) refuse("it ends too early");
  }

 private:
  void check(int rc) {
    if (rc != ARCHIVE_OK) fail();
  }
  [[noreturn]] void fail() {
    if (pull_.thrown) std::rethrow_exception(pull_.thrown);
    refuse(archive_text(reader_.get()));
  }

  PulledBytes pull_;
  ArchiveReader reader_;
  std::vector<char> buffer_ = std::vector<char>(1U << 17U);
  TarEnd end_;
};

// Of a tar stream that is written.
class Target {
 public:
  explicit Target(const TakeBytes& take)
      : push_{take}, writer_(::archive_write_new(), &::archive_write_free) {
    ::archive* a = writer_.get();
    ::archive_write_set_format_pax(a);
    // Names are bytes here, whatever encoding somebody used.
    ::archive_write_set_format_option(a, "pax", "hdrcharset", "BINARY");
    ::archive_write_set_bytes_per_block(a, 65536);
    ::archive_write_set_bytes_in_last_block(a, 1);
    check(::archive_write_open(a, &push_, nullptr, &PushedBytes::write, nullptr));
  }
  void header(::archive_entry* entry) { check(::archive_write_header(writer_.get(), entry)); }
  void write(std::string_view bytes) {
    if (::archive_write_data(writer_.get(), bytes.data(), bytes.size()) < 0) fail();
  }
  void finish() { check(::archive_write_close(writer_.get())); }

 private:
  void check(int rc) {
    if (rc != ARCHIVE_OK) fail();
  }
  [[noreturn]] void fail() {
    if (push_.thrown) std::rethrow_exception(push_.thrown);
    throw Error(FBX_IO,
                fmt::format("cannot write the tar stream: {}", archive_text(writer_.get())));
  }
  PushedBytes push_;
  ArchiveWriter writer_;
};

// Whoever packs a whole file system writes "/backup/db"; everybody else writes "backup/db".
std::string relative_name(const char* raw) {
  std::string_view name(raw != nullptr ? raw : "");
  while (name.starts_with('/') || name.starts_with("./"))
    name.remove_prefix(name.starts_with('/') ? 1 : 2);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name == "." ? std::string() : std::string(name);
}

}  // namespace

class ArchiveSplit::Impl {
 public:
  explicit Impl(std::function<std::string_view()> pull)
      : plain_(std::move(pull)),
        pull_{[this] { return plain_.next(); }},
        reader_(::archive_read_new(), &::archive_read_free) {
    ::archive_read_support_format_tar(reader_.get());
    if (::archive_read_open(reader_.get(), &pull_, nullptr, &PulledBytes::read, nullptr) !=
        ARCHIVE_OK)
      fail();
  }

  std::optional<SplitEntry> next() {
    if (!std::exchange(is_ahead_, false)) advance();
    return entry_ == nullptr ? std::nullopt : std::optional(told_);
  }

  void content(const TakeBytes& take) {
    std::uint64_t at = 0;
    for (;;) {
      const void* bytes = nullptr;
      std::size_t count = 0;
      la_int64_t offset = 0;
      const int rc = ::archive_read_data_block(reader_.get(), &bytes, &count, &offset);
      if (rc == ARCHIVE_EOF) break;
      if (rc != ARCHIVE_OK) fail();
      zeros(hole_before(at, offset, count, told_.bytes), take);
      take({static_cast<const char*>(bytes), count});
      at = static_cast<std::uint64_t>(offset) + count;
    }
    zeros(told_.bytes - at, take);
  }

  ArchiveTotals folder(const TakeBytes& take) {
    if (entry_ == nullptr || !told_.is_folder)
      throw Error(FBX_INTERNAL, "a stream of its own is for a folder");
    const fs::path root = told_.path;
    const std::string inside = told_.path + "/";
    Target target(take);
    ArchiveTotals totals;
    do {
      place(root);
      target.header(entry_);
      if (!told_.is_folder) ++totals.files;
      if (told_.is_file) {
        content([&](std::string_view bytes) { target.write(bytes); });
        totals.bytes += told_.bytes;
      }
      advance();
    } while (entry_ != nullptr && told_.path.starts_with(inside));
    is_ahead_ = true;
    target.finish();
    return totals;
  }

 private:
  [[noreturn]] void fail() {
    if (pull_.thrown) std::rethrow_exception(pull_.thrown);
    refuse(archive_text(reader_.get()));
  }

  void advance() {
    const int rc = ::archive_read_next_header(reader_.get(), &entry_);
    if (rc == ARCHIVE_EOF) {
      entry_ = nullptr;
      plain_.finish();
      return;
    }
    if (rc != ARCHIVE_OK) fail();
    ::archive_entry_copy_pathname(entry_, relative_name(::archive_entry_pathname(entry_)).c_str());
    if (const char* linked = ::archive_entry_hardlink(entry_))
      ::archive_entry_copy_hardlink(entry_, relative_name(linked).c_str());
    told_.path = guard_.admit(entry_).string();
    linked_ = guard_.hard_link(entry_);
    const auto type = ::archive_entry_filetype(entry_);
    told_.is_folder = type == AE_IFDIR;
    told_.is_file = type == AE_IFREG && linked_.empty();
    told_.bytes = told_.is_file && ::archive_entry_size(entry_) > 0
                      ? static_cast<std::uint64_t>(::archive_entry_size(entry_))
                      : 0;
  }

  // Gives the entry its path relative to `root`.
  void place(const fs::path& root) {
    const auto below = [&](const fs::path& path) {
      const fs::path relative = path.lexically_relative(root);
      if (relative.empty() || *relative.begin() == "..")
        refuse(fmt::format("\"{}\" is linked to \"{}\", which is in another folder", told_.path,
                           path.string()));
      return relative.string();
    };
    ::archive_entry_copy_pathname(entry_,
                                  (below(told_.path) + (told_.is_folder ? "/" : "")).c_str());
    if (!linked_.empty()) ::archive_entry_copy_hardlink(entry_, below(linked_).c_str());
    // Owners are numbers: the names of one machine mean nothing on another.
    ::archive_entry_set_uname(entry_, nullptr);
    ::archive_entry_set_gname(entry_, nullptr);
    ::archive_entry_sparse_clear(entry_);
  }

  // The holes of a sparse file.
  static void zeros(std::uint64_t left, const TakeBytes& take) {
    static constexpr std::array<char, 65536> none{};
    for (; left > 0; left -= std::min<std::uint64_t>(left, none.size()))
      take({none.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, none.size()))});
  }

  Plain plain_;
  PulledBytes pull_;
  ArchiveReader reader_;
  ::archive_entry* entry_ = nullptr;
  SplitEntry told_;
  fs::path linked_;
  EntryGuard guard_;
  bool is_ahead_ = false;  // entry_ is one that next() has not given yet
};

ArchiveSplit::ArchiveSplit(std::function<std::string_view()> pull) {
  const Utf8Locale utf8;
  impl_ = std::make_unique<Impl>(std::move(pull));
}

ArchiveSplit::~ArchiveSplit() = default;

std::optional<SplitEntry> ArchiveSplit::next() {
  const Utf8Locale utf8;
  return impl_->next();
}

void ArchiveSplit::content(const TakeBytes& take) { impl_->content(take); }

ArchiveTotals ArchiveSplit::folder(const TakeBytes& take) {
  const Utf8Locale utf8;
  return impl_->folder(take);
}

}  // namespace fbx::common
