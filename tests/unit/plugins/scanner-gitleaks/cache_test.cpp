// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "engine/cache.hpp"
#include "tests/support/temp_dir.hpp"

using namespace fusebox::scan;

TEST_CASE("the cache gives back what was put, and nothing that others may have written") {
  const fusebox::test::TempDir dir;
  const Cache cache(dir / "cache");
  CHECK(!cache.get("a"));
  cache.put("a", "bytes");
  CHECK(cache.get("a") == "bytes");
  struct ::stat info {};
  REQUIRE(::stat((dir / "cache/a").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
  ::chmod((dir / "cache/a").c_str(), 0644);
  CHECK(!cache.get("a"));
  ::chmod((dir / "cache/a").c_str(), 0600);
  std::ofstream(dir / "cache/a", std::ios::app) << "x";
  CHECK(!cache.get("a"));
  cache.put("b", "");
  std::filesystem::rename(dir / "cache/b", dir / "cache/a");
  CHECK(!cache.get("a"));  // another name's
}

TEST_CASE("a folder that others may write is no cache") {
  const fusebox::test::TempDir dir;
  ::mkdir((dir / "cache").c_str(), 0700);
  ::chmod((dir / "cache").c_str(), 0777);
  const Cache cache(dir / "cache");
  cache.put("a", "bytes");
  CHECK(!cache.get("a"));
}
