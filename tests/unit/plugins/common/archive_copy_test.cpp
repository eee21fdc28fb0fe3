// SPDX-License-Identifier: Apache-2.0
#include "common/archive_copy.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <fusebox/plugin.hpp>
#include <string>
#include <vector>

#include "support/sparse_tar.hpp"

namespace {

using fbx::common::ArchiveCopy;
using fbx::common::ArchiveTotals;

struct Made {
  std::string name;
  mode_t type = AE_IFREG;
  std::string content;
  std::string link;       // of a symbolic link
  std::string hard_link;  // of a hard link
  unsigned perm = 0640;
};

la_ssize_t append(::archive*, void* context, const void* bytes, std::size_t size) {
  static_cast<std::string*>(context)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

std::string stream_of(const std::vector<Made>& entries) {
  std::string out;
  ::archive* a = ::archive_write_new();
  ::archive_write_set_format_gnutar(a);
  ::archive_write_set_bytes_in_last_block(a, 1);
  ::archive_write_open(a, &out, nullptr, &append, nullptr);
  for (const Made& made : entries) {
    ::archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, made.name.c_str());
    ::archive_entry_set_filetype(entry, made.type);
    ::archive_entry_set_perm(entry, static_cast<mode_t>(made.perm));
    ::archive_entry_set_uid(entry, 70);
    ::archive_entry_set_gid(entry, 71);
    ::archive_entry_set_uname(entry, "somebody");
    ::archive_entry_set_mtime(entry, 1'700'000'000, 0);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(made.content.size()));
    if (!made.link.empty()) ::archive_entry_set_symlink(entry, made.link.c_str());
    if (!made.hard_link.empty()) ::archive_entry_set_hardlink(entry, made.hard_link.c_str());
    ::archive_write_header(a, entry);
    ::archive_write_data(a, made.content.data(), made.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(a);
  ::archive_write_free(a);
  return out;
}

// What a stream holds, one line per entry.
std::string listing(const std::string& stream) {
  std::string out;
  ::archive* a = ::archive_read_new();
  ::archive_read_support_format_tar(a);
  ::archive_read_open_memory(a, stream.data(), stream.size());
  ::archive_entry* entry = nullptr;
  while (::archive_read_next_header(a, &entry) == ARCHIVE_OK) {
    out += ::archive_entry_pathname(entry);
    if (const char* link = ::archive_entry_symlink(entry)) out += std::string(" -> ") + link;
    if (const char* link = ::archive_entry_hardlink(entry)) out += std::string(" = ") + link;
    out += " " + std::to_string(::archive_entry_uid(entry)) + ":" +
           std::to_string(::archive_entry_gid(entry)) + " " +
           std::to_string(::archive_entry_mtime(entry));
    const char* owner = ::archive_entry_uname(entry);
    if (owner != nullptr && *owner != '\0') out += std::string(" ") + owner;
    std::string content(static_cast<std::size_t>(::archive_entry_size(entry)), '\0');
    ::archive_read_data(a, content.data(), content.size());
    if (!content.empty() && content.size() < 100) out += " \"" + content + "\"";
    out += "\n";
  }
  ::archive_read_free(a);
  return out;
}

// The source in pieces of `size` bytes.
std::function<std::string_view()> in_pieces(const std::string& stream, std::size_t size) {
  return [&stream, size, at = std::size_t{0}]() mutable {
    const auto piece = std::string_view(stream).substr(at, size);
    at += piece.size();
    return piece;
  };
}

struct Copied {
  std::string stream;
  ArchiveTotals totals;
  fbx_rc rc = FBX_OK;
  std::string what;
};
Copied copied(const std::string& source, bool drop_first, const std::string& prefix,
              std::size_t size = 1000) {
  Copied out;
  try {
    out.totals = fbx::common::copy_archive(
        {in_pieces(source, size), [&](std::string_view bytes) { out.stream.append(bytes); },
         drop_first, prefix});
  } catch (const fbx::Error& e) {
    out.rc = e.rc();
    out.what = e.what();
  }
  return out;
}

const std::vector<Made> volume = {{"data/", AE_IFDIR, "", "", "", 0700},
                                  {"data/file", AE_IFREG, "precious", "", ""},
                                  {"data/sub/", AE_IFDIR, "", "", ""},
                                  {"data/sub/link", AE_IFLNK, "", "../file", ""},
                                  {"data/same", AE_IFREG, "", "", "data/file"}};

}  // namespace

TEST_CASE("a stream's first name is dropped, or another put in front, and the rest is kept") {
  const std::string source = stream_of(volume);
  const Copied below = copied(source, true, "");
  CHECK(below.what == "");
  CHECK(listing(below.stream) ==
        "./ 70:71 1700000000\n"
        "file 70:71 1700000000 \"precious\"\n"
        "sub/ 70:71 1700000000\n"
        "sub/link -> ../file 70:71 1700000000\n"
        "same = file 70:71 1700000000\n");
  CHECK(below.totals.files == 3);
  CHECK(below.totals.bytes == 8);
  const Copied back = copied(below.stream, false, "pgdata");
  CHECK(listing(back.stream) ==
        "pgdata/ 70:71 1700000000\n"
        "pgdata/file 70:71 1700000000 \"precious\"\n"
        "pgdata/sub/ 70:71 1700000000\n"
        "pgdata/sub/link -> ../file 70:71 1700000000\n"
        "pgdata/same = pgdata/file 70:71 1700000000\n");
}

TEST_CASE("a source is read the same in pieces of any size") {
  const std::string source = stream_of(
      {{"d/", AE_IFDIR, "", "", ""}, {"d/large", AE_IFREG, std::string(100000, 'x'), "", ""}});
  const std::string once = copied(source, true, "", source.size()).stream;
  for (const std::size_t size : {1U, 511U, 513U, 65536U})
    CHECK((copied(source, true, "", size).stream == once));
}

TEST_CASE("a source that ends too early fails, wherever it ends") {
  const std::string source = stream_of(volume);
  for (std::size_t size = 0; size + 512 < source.size(); size += 256) {
    CAPTURE(size);
    CHECK(copied(source.substr(0, size), true, "").rc == FBX_IO);
  }
  CHECK(copied(std::string(4000, 'x'), false, "").rc == FBX_IO);
}

TEST_CASE("what would leave the folder is refused before it is passed on") {
  const auto refused = [](const std::vector<Made>& entries) {
    const Copied out = copied(stream_of(entries), false, "data");
    CHECK(out.rc == FBX_DENIED);
    CHECK(listing(out.stream).find("evil") == std::string::npos);
    return out.what;
  };
  CHECK(refused({{"../evil", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"../evil\", which climbs out with \"..\"");
  CHECK(refused({{"/evil", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"/evil\", an absolute path");
  CHECK(refused({{"l", AE_IFLNK, "", "/etc", ""}, {"l/evil", AE_IFREG, "x", "", ""}}) ==
        "the stream holds \"l/evil\", which goes through a symbolic link");
  CHECK(refused({{"evil", AE_IFREG, "", "", "../outside"}}) ==
        "the stream holds \"evil\", which climbs out with \"..\"");
  CHECK(refused({{"evil", AE_IFCHR, "", "", ""}}) == "the stream holds \"evil\", a device");
}

TEST_CASE("a sparse file whose map goes back, or past its end, is refused") {
  CHECK(copied(fusebox::test::sparse_tar({{0, 512}, {4096, 512}}, 8192), false, "").rc == FBX_OK);
  for (const auto& map : {fusebox::test::SparseMap{{4096, 512}, {0, 512}},
                          fusebox::test::SparseMap{{0, 512}, {256, 512}},
                          fusebox::test::SparseMap{{0, 512}, {8192, 512}}}) {
    const Copied out = copied(fusebox::test::sparse_tar(map, 8192), false, "");
    CHECK(out.rc == FBX_FAILED);
    CHECK(out.stream.size() < 20'000);
  }
}

TEST_CASE("what pull and push throw comes out as it is") {
  const std::string source = stream_of(volume);
  CHECK_THROWS_WITH(fbx::common::copy_archive(
                        {[]() -> std::string_view { throw fbx::Error(FBX_CANCELLED, "enough"); },
                         [](std::string_view) {}, false, ""}),
                    "enough");
  CHECK_THROWS_WITH(fbx::common::copy_archive(
                        {in_pieces(source, 100),
                         [](std::string_view) { throw fbx::Error(FBX_IO, "full"); }, false, ""}),
                    "full");
}

TEST_CASE("an empty folder is told from one with anything in it, hidden things included") {
  const auto root = [](const std::vector<Made>& entries) {
    const std::string source = stream_of(entries);
    return fbx::common::read_archive_root(in_pieces(source, 512));
  };
  const auto empty = root({{"data/", AE_IFDIR, "", "", "", 0700}});
  CHECK(empty.empty);
  CHECK(empty.uid == 70);
  CHECK(empty.gid == 71);
  CHECK(empty.mode == 0700);
  CHECK_FALSE(root({{"data/", AE_IFDIR, "", "", ""}, {"data/.x", AE_IFREG, "", "", ""}}).empty);
}
