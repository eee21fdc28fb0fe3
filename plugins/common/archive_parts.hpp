// SPDX-License-Identifier: Apache-2.0
// What reading, writing and copying of tar streams share. For plugins/common's own sources.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace fbx::common {

using ArchiveReader = std::unique_ptr<::archive, decltype(&::archive_read_free)>;
using ArchiveWriter = std::unique_ptr<::archive, decltype(&::archive_write_free)>;

// libarchive's text for what went wrong last.
std::string archive_text(::archive* a);

// Streams made elsewhere have their names in UTF-8, which libarchive only understands in a UTF-8
// locale; the program's own may be "C". For this thread, and until it goes.
class Utf8Locale {
 public:
  Utf8Locale();
  ~Utf8Locale();
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  ::locale_t locale_ = nullptr;
  ::locale_t before_ = nullptr;
};

// Does a stream end as a tar does? Between two entries, one that was cut off looks like one at its
// end, to libarchive too.
class TarEnd {
 public:
  // The next bytes of the stream; empty at its end.
  void watch(std::string_view bytes);
  bool ended() const { return ended_; }
  // Once it ended: with two blocks of zeros.
  bool whole() const { return zeros_ >= 1024; }

 private:
  std::uint64_t zeros_ = 0;  // at the end of what came so far
  bool ended_ = false;
};

// How many zeros come before a block of a sparse file that is `size` long, after `at` bytes of it.
// libarchive hands blocks out in whatever order the stream's map has them. Throws Error{FBX_FAILED}
// for a map that goes back, or past the end.
std::uint64_t hole_before(std::uint64_t at, la_int64_t offset, std::size_t block,
                          std::uint64_t size);

// libarchive calls back through C, so what a callback throws waits here until it is back.
struct PulledBytes {
  std::function<std::string_view()> next;  // empty at the end
  std::exception_ptr thrown = nullptr;

  static la_ssize_t read(::archive* a, void* self, const void** bytes);
};
struct PushedBytes {
  std::function<void(std::string_view)> take;
  std::exception_ptr thrown = nullptr;

  static la_ssize_t write(::archive* a, void* self, const void* bytes, std::size_t size);
};

// Lets no entry leave the folder that a stream is unpacked into. Since that folder is empty, every
// link in it comes from the stream, and the guard knows them all.
class EntryGuard {
 public:
  // Where the entry belongs, relative to the folder; empty for the folder itself. Throws
  // Error{FBX_DENIED} for an entry that would leave it, and for a device.
  std::filesystem::path admit(::archive_entry* entry);

  // The target of an entry that admit() took, when it is a hard link; else empty. Throws likewise.
  std::filesystem::path hard_link(::archive_entry* entry) const;

 private:
  std::filesystem::path clean(const std::string& name, const std::string& shown) const;
  std::set<std::string> links_;
};

}  // namespace fbx::common
