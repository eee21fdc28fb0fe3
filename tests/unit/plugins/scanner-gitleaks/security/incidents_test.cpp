// SPDX-License-Identifier: Apache-2.0
#include "security/incidents.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
using namespace fusebox::scan;

namespace {

Finding finding(int line) {
  Finding f;
  f.rule_id = "a-rule";
  f.match = f.secret = "the-value";
  f.line = "k = the-value";
  f.file = "a \"b\"\n\xFF.txt";
  f.start_line = line;
  f.fingerprint = "a:a-rule:1";
  return f;
}

}  // namespace

TEST_CASE("several at once write whole lines, and no value") {
  const fusebox::test::TempDir dir;
  fs::create_directory(dir / ".security");
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (int n = 0; n < 25; ++n)
        record_incidents(dir.path(), "Ada", "staged", std::vector{finding(i), finding(n)});
    });
  for (auto& writer : writers) writer.join();
  std::size_t torn = 0;
  const auto incidents = read_incidents(dir.path(), torn);
  CHECK(torn == 0);
  REQUIRE(incidents.size() == 200);
  CHECK(incidents[0].rule == "a-rule");
  CHECK(incidents[0].file == "a \"b\"\n\xEF\xBF\xBD.txt");
  std::ifstream in(dir / incidents_file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  CHECK(text.find("the-value") == std::string::npos);
}

TEST_CASE("a line that was cut off is counted, the others are read") {
  const fusebox::test::TempDir dir;
  fs::create_directory(dir / ".security");
  record_incidents(dir.path(), "Ada", "staged", std::vector{finding(1)});
  std::ofstream(dir / incidents_file, std::ios::app) << "{\"rule\": \"b";
  std::size_t torn = 0;
  CHECK(read_incidents(dir.path(), torn).size() == 1);
  CHECK(torn == 1);
}

TEST_CASE("a log that is a link is not followed") {
  const fusebox::test::TempDir dir;
  fs::create_directory(dir / ".security");
  fs::create_symlink(dir / "elsewhere", dir / incidents_file);
  CHECK_THROWS(record_incidents(dir.path(), "Ada", "staged", std::vector{finding(1)}));
  CHECK_FALSE(fs::exists(dir / "elsewhere"));
}
