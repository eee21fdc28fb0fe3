// SPDX-License-Identifier: Apache-2.0
#include "common/archive_split.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <fusebox/plugin.hpp>
#include <memory>
#include <vector>

using fbx::common::ArchiveSplit;

#include "support/sparse_tar.hpp"

namespace {

struct Item {
  std::string path;
  unsigned type = AE_IFREG;
  std::string content{};
  std::string link{};  // of a hard link
};

std::string archive_of(const std::vector<Item>& items) {
  std::string out(1U << 20U, '\0');
  std::size_t used = 0;
  const std::unique_ptr<::archive, decltype(&::archive_write_free)> writer(::archive_write_new(),
                                                                           &::archive_write_free);
  ::archive* a = writer.get();
  ::archive_write_set_format_pax_restricted(a);
  ::archive_write_set_bytes_in_last_block(a, 1);
  REQUIRE(::archive_write_open_memory(a, out.data(), out.size(), &used) == ARCHIVE_OK);
  for (const Item& item : items) {
    const std::unique_ptr<::archive_entry, decltype(&::archive_entry_free)> entry(
        ::archive_entry_new(), &::archive_entry_free);
    ::archive_entry_set_pathname(entry.get(), item.path.c_str());
    ::archive_entry_set_filetype(entry.get(), item.type);
    ::archive_entry_set_perm(entry.get(), 0750);
    ::archive_entry_set_uid(entry.get(), 999);
    if (!item.link.empty()) ::archive_entry_set_hardlink(entry.get(), item.link.c_str());
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(item.content.size()));
    REQUIRE(::archive_write_header(a, entry.get()) == ARCHIVE_OK);
    ::archive_write_data(a, item.content.data(), item.content.size());
  }
  REQUIRE(::archive_write_close(a) == ARCHIVE_OK);
  out.resize(used);
  return out;
}

// In pieces as small as a slow pipe's.
std::function<std::string_view()> pieces_of(const std::string& bytes) {
  return [&bytes, at = std::size_t{0}]() mutable {
    const std::string_view piece = std::string_view(bytes).substr(at, 1000);
    at += piece.size();
    return piece;
  };
}

// "path owner" lines of a stream, and "path -> target" of hard links.
std::string listing(const std::string& stream) {
  const std::unique_ptr<::archive, decltype(&::archive_read_free)> reader(::archive_read_new(),
                                                                          &::archive_read_free);
  ::archive* a = reader.get();
  ::archive_read_support_format_tar(a);
  REQUIRE(::archive_read_open_memory(a, stream.data(), stream.size()) == ARCHIVE_OK);
  std::string text;
  ::archive_entry* entry = nullptr;
  while (::archive_read_next_header(a, &entry) == ARCHIVE_OK) {
    text += std::string(::archive_entry_pathname(entry)) + " " +
            std::to_string(::archive_entry_uid(entry));
    if (const char* link = ::archive_entry_hardlink(entry)) text += std::string(" -> ") + link;
    text += "\n";
  }
  return text;
}

fbx_rc refusal_of(const std::string& bytes) {
  try {
    ArchiveSplit split(pieces_of(bytes));
    while (split.next()) continue;
  } catch (const fbx::Error& error) {
    return error.rc();
  }
  return FBX_OK;
}

}  // namespace

TEST_CASE("each folder of an archive becomes a stream of its own, wherever its names begin") {
  for (const std::string root : {"backup", "./backup", "/backup"}) {
    CAPTURE(root);
    const auto bytes = archive_of({{root, AE_IFDIR},
                                   {root + "/a", AE_IFDIR},
                                   {root + "/a/one", AE_IFREG, std::string(5000, 'x')},
                                   {root + "/a/two", AE_IFREG, "", root + "/a/one"},
                                   {root + "/ab", AE_IFDIR},
                                   {root + "/ab/three", AE_IFREG, "3"}});
    ArchiveSplit split(pieces_of(bytes));
    CHECK(split.next()->path == "backup");
    CHECK(split.next()->path == "backup/a");
    std::string stream;
    const auto totals = split.folder([&](std::string_view piece) { stream += piece; });
    CHECK(totals.files == 2);
    CHECK(totals.bytes == 5000);
    CHECK(listing(stream) == "./ 999\none 999\ntwo 999 -> one\n");
    const auto next = split.next();
    REQUIRE(next.has_value());
    CHECK(next->path == "backup/ab");
    stream.clear();
    split.folder([&](std::string_view piece) { stream += piece; });
    CHECK(listing(stream) == "./ 999\nthree 999\n");
    CHECK_FALSE(split.next().has_value());
  }
}

TEST_CASE("a link into another folder's stream is refused") {
  const auto bytes = archive_of({{"backup/a", AE_IFDIR},
                                 {"backup/a/one", AE_IFREG, "1"},
                                 {"backup/b", AE_IFDIR},
                                 {"backup/b/two", AE_IFREG, "", "backup/a/one"}});
  ArchiveSplit split(pieces_of(bytes));
  split.next();
  split.folder([](std::string_view) {});
  split.next();
  CHECK_THROWS_AS(split.folder([](std::string_view) {}), fbx::Error);
}

TEST_CASE("what leads out, holds a device, is cut off or is no archive is refused") {
  CHECK(refusal_of(archive_of({{"backup", AE_IFDIR}, {"backup/../../etc/x"}})) == FBX_DENIED);
  CHECK(refusal_of(archive_of({{"backup", AE_IFDIR}, {"backup/disk", AE_IFBLK}})) == FBX_DENIED);
  CHECK(refusal_of("no archive") == FBX_FAILED);
  CHECK(refusal_of("") == FBX_FAILED);
  const auto whole = archive_of({{"backup", AE_IFDIR}, {"backup/x", AE_IFREG, "content"}});
  CHECK(refusal_of(whole) == FBX_OK);
  for (std::size_t size = 0; size < whole.size(); size += 512) {
    CAPTURE(size);
    CHECK(refusal_of(whole.substr(0, size)) == FBX_FAILED);
  }
}

TEST_CASE("a sparse file whose map goes back is refused before anything of it is handed on") {
  const std::string stream = fusebox::test::sparse_tar({{4096, 512}, {0, 512}}, 8192);
  ArchiveSplit split(pieces_of(stream));
  REQUIRE(split.next()->path == "data/sparse");
  std::size_t handed = 0;
  CHECK_THROWS_AS(split.content([&](std::string_view piece) { handed += piece.size(); }),
                  fbx::Error);
  CHECK(handed < 20'000);
}

TEST_CASE("what a reader throws ends the walk and comes through") {
  const auto bytes = archive_of({{"backup", AE_IFDIR}, {"backup/x", AE_IFREG, "content"}});
  ArchiveSplit split(pieces_of(bytes));
  split.next();
  CHECK_THROWS_WITH(split.folder([](std::string_view) { throw fbx::Error(FBX_IO, "full"); }),
                    "full");
}
