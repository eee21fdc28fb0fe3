// SPDX-License-Identifier: Apache-2.0
#include "engine/archive_walk.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace {

struct FreeArchive {
  void operator()(::archive* archive) const noexcept { ::archive_read_free(archive); }
};
using ArchivePtr = std::unique_ptr<::archive, FreeArchive>;
struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

constexpr std::size_t kBlock = 64U << 10U;

// Some formats have their directory at the end. Unlinked from the start.
FilePtr spooled(const ReadFull& read) {
  FilePtr file(std::tmpfile());
  if (file == nullptr) throw std::runtime_error("there is no room for a temporary file");
  std::vector<char> block(kBlock);
  for (std::size_t got = read(block.data(), block.size()); got > 0;
       got = read(block.data(), block.size()))
    if (std::fwrite(block.data(), 1, got, file.get()) != got)
      throw std::runtime_error("there is no room for a temporary file");
  if (std::fflush(file.get()) != 0) throw std::runtime_error("a temporary file cannot be written");
  std::rewind(file.get());
  ::lseek(::fileno(file.get()), 0, SEEK_SET);
  return file;
}

// In no other than these: the library runs programs for some filters.
ArchivePtr new_archive(bool is_container) {
  ArchivePtr archive(::archive_read_new());
  ::archive* raw = archive.get();
  ::archive_read_support_filter_gzip(raw);
  ::archive_read_support_filter_bzip2(raw);
  ::archive_read_support_filter_xz(raw);
  ::archive_read_support_filter_lzip(raw);
  ::archive_read_support_filter_lz4(raw);
  ::archive_read_support_filter_zstd(raw);
  if (!is_container) {
    ::archive_read_support_format_raw(raw);
    return archive;
  }
  ::archive_read_support_format_tar(raw);
  ::archive_read_support_format_gnutar(raw);
  ::archive_read_support_format_zip(raw);
  ::archive_read_support_format_7zip(raw);
  ::archive_read_support_format_rar(raw);
  ::archive_read_support_format_rar5(raw);
  return archive;
}

std::string reason(::archive* archive) {
  const char* text = ::archive_error_string(archive);
  return text == nullptr ? "it is damaged" : text;
}

std::string cleaned(const char* name) {
  if (name == nullptr) return "";
  std::string path = std::filesystem::path(name).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

class Walk {
 public:
  Walk(const Fragment& like, const FileSink& sink, int depth)
      : like_(like), sink_(sink), depth_(depth) {}

  void run(std::FILE* file, bool is_container) {
    const ArchivePtr archive = new_archive(is_container);
    archive_ = archive.get();
    if (::archive_read_open_fd(archive_, ::fileno(file), kBlock) != ARCHIVE_OK)
      throw std::runtime_error(reason(archive_));
    ::archive_entry* entry = nullptr;
    for (;;) {
      const int rc = ::archive_read_next_header(archive_, &entry);
      if (rc == ARCHIVE_EOF) return;
      if (rc < ARCHIVE_WARN) throw std::runtime_error(reason(archive_));
      if (is_container) {
        if (::archive_entry_filetype(entry) == AE_IFREG)
          member(cleaned(::archive_entry_pathname(entry)));
      } else {
        if (::archive_filter_code(archive_, 0) == ARCHIVE_FILTER_NONE)
          throw std::runtime_error("it is not compressed in a way that can be read");
        for_each_chunk(reader(), like_, sink_.take);
      }
    }
  }

 private:
  ReadFull reader() {
    return [this](char* to, std::size_t room) {
      std::size_t have = 0;
      while (have < room) {
        const auto got = ::archive_read_data(archive_, to + have, room - have);
        if (got < 0) throw std::runtime_error(reason(archive_));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
      }
      return have;
    };
  }

  void member(const std::string& name) {
    if (sink_.skips(name)) return;
    Fragment inner = like_;
    inner.path = fmt::format("{}!{}", like_.path, name);
    walk_file(reader(), inner, name, sink_, depth_ + 1);
  }

  const Fragment& like_;
  const FileSink& sink_;
  int depth_;
  ::archive* archive_ = nullptr;
};

}  // namespace

ArchiveName archive_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string name =
      to_lower(slash == std::string_view::npos ? path : path.substr(slash + 1));
  const auto holds = [&](const auto& parts) {
    for (const std::string_view part : parts)
      if (name.find(part) != std::string::npos) return true;
    return false;
  };
  constexpr std::array<std::string_view, 9> compressions = {".br", ".bz2", ".gz", ".lz4", ".xz",
                                                            ".zz", ".zst", ".sz", ".s2"};
  constexpr std::array<std::string_view, 4> containers = {".7z", ".rar", ".tar", ".zip"};
  return {holds(compressions) || name.ends_with(".lz") || name.ends_with(".mz"), holds(containers)};
}

void walk_file(const ReadFull& read, const Fragment& like, std::string_view name,
               const FileSink& sink, int depth) {
  const ArchiveName kind = archive_name(name);
  if (!kind.is_archive()) return for_each_chunk(read, like, sink.take);
  if (depth + 1 > sink.max_archive_depth) return sink.too_deep(like.path);
  try {
    const FilePtr file = spooled(read);
    Walk(like, sink, depth).run(file.get(), kind.is_container);
  } catch (const std::runtime_error& error) {
    sink.failed(like.path, fmt::format("it is named like an archive and cannot be read as one: {}",
                                       error.what()));
  }
}

}  // namespace fusebox::scan
