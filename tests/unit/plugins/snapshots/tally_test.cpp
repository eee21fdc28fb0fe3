// SPDX-License-Identifier: Apache-2.0
#include "snapshot-volume/tally.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using fbx::common::TarEntry;
using fbx::common::TarWalk;
using fbx::snapshot::Tally;
namespace json = boost::json;

namespace {

struct File {
  std::string path;
  std::string content;
  bool is_hard_link = false;
};

struct Counted {
  json::object counts;
  json::object digests;
};

// `piece`: how many bytes of content come at once.
Counted count(const std::vector<File>& files, std::size_t piece = 3) {
  Tally tally({".minio.sys", "log/now"});
  TarWalk walk;
  tally.watch(walk, true);
  for (const File& file : files) {
    TarEntry entry;
    entry.path = file.path;
    entry.is_file = true;
    entry.is_hard_link = file.is_hard_link;
    entry.size = file.content.size();
    for (std::size_t at = 0; at < file.content.size(); at += piece)
      walk.content(entry, std::string_view(file.content).substr(at, piece));
    walk.entry(entry);
  }
  return {tally.counts(), tally.digests()};
}

}  // namespace

TEST_CASE("a digest is of paths and contents, in whatever order and pieces they come") {
  const Counted one = count({{"a", "first"}, {"b/c", ""}, {"d", "second"}});
  CHECK(one.counts == json::object{{"files", 3}, {"bytes", 11}});
  CHECK(count({{"d", "second"}, {"a", "first"}, {"b/c", ""}}, 100).digests == one.digests);
  for (const auto& others :
       std::vector<std::vector<File>>{{{"a", "second"}, {"b/c", ""}, {"d", "first"}},
                                      {{"a", "first"}, {"b/x", ""}, {"d", "second"}},
                                      {{"a", "first"}, {"b/c", ""}, {"d", "secone"}},
                                      {{"a", "first"}, {"d", "second"}},
                                      {{"af", "irst"}, {"b/c", ""}, {"d", "second"}},
                                      {{"a", "first"}, {"b/c", ""}, {"d", "second"}, {"e", ""}}})
    CHECK(count(others).digests != one.digests);
}

TEST_CASE("what the server or the runtime keeps for itself does not count") {
  const Counted one = count({{"a", "first"}});
  const Counted more = count({{".minio.sys/format.json", "x"},
                              {"a", "first"},
                              {"log/now", "x"},
                              {".fbx-beside/t1/old/a", "x"}});
  CHECK(more.counts == one.counts);
  CHECK(more.digests == one.digests);
  CHECK(count({{".minio.system", "x"}, {"log/now2", "x"}}).counts.at("files") == 2);
}

TEST_CASE("a volume with hard links has no digest, for its order would be in it") {
  const Counted linked = count({{"a", "first"}, {"b", "", true}});
  CHECK(linked.counts == json::object{{"files", 2}, {"bytes", 5}});
  CHECK(linked.digests.empty());
}
