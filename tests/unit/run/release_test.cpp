// SPDX-License-Identifier: Apache-2.0
#include "run/release.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <fstream>

#include "fakes.hpp"
#include "util/error.hpp"

using namespace fusebox;
using namespace fusebox::run;
using namespace fusebox::run::test;
namespace json = boost::json;

namespace {

RunState run_named(const std::string& id) {
  RunState state;
  state.id = id;
  state.phase = "deploy";
  state.version = "0.1.0";
  return state;
}

const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(1));

}  // namespace

TEST_CASE("releases are appended, read back in order, and one per run") {
  const TempDir dir;
  CHECK(last_release(dir.path()).empty());
  record_release(dir.path(), run_named("r1"), {{"WEB", "4.15"}}, now);
  record_release(dir.path(), run_named("r2"), {{"WEB", "4.16"}}, now);
  record_release(dir.path(), run_named("r2"), {{"WEB", "4.16"}}, now);
  CHECK(read_releases(dir.path()).size() == 2);
  CHECK(last_release(dir.path()) ==
        json::parse(R"({"time":"1970-01-01T00:00:01.000Z","run":"r2","phase":"deploy",
                        "fusebox":"0.1.0","release":{"WEB":"4.16"}})"));
}

TEST_CASE("a release line that a power cut tore is left out, and the next one is whole") {
  const TempDir dir;
  record_release(dir.path(), run_named("r1"), {{"WEB", "4.15"}}, now);
  std::ofstream(dir.path() / "releases.jsonl", std::ios::app) << R"({"time":"19)";
  CHECK(last_release(dir.path()).at("run") == "r1");
  record_release(dir.path(), run_named("r2"), {{"WEB", "4.16"}}, now);
  CHECK(read_releases(dir.path()).size() == 2);
}

TEST_CASE("a damaged release line is named with its file and line") {
  const TempDir dir;
  std::ofstream(dir.path() / "releases.jsonl") << "{}\nnonsense\n";
  try {
    read_releases(dir.path());
    FAIL("it was read");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("releases.jsonl:2") != std::string::npos);
  }
}
