// SPDX-License-Identifier: Apache-2.0
#include "report/result_view.hpp"

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>

using namespace fusebox::report;

namespace {

boost::json::object object(const char* text) { return boost::json::parse(text).as_object(); }

std::string view(const char* text, Detail detail, std::size_t width = 0) {
  std::string all;
  for (const Line& line : result_lines(object(text), {{}, detail, width}))
    all += paint(line, {}) + "\n";
  return all;
}

const char* findings = R"({"findings":[
  {"severity":"error","what":"time zone is CET","evidence":"TimeZone=CET","remedy":"set it to UTC"},
  {"severity":"warning","what":"disk is nearly full","where":"/var"},
  {"severity":"info","what":"no replica"}]})";

}  // namespace

TEST_CASE("the headline is status and summary, said once") {
  CHECK(headline(object(R"({"status":"healthy","summary":"PG 15"})")) == "healthy: PG 15");
  CHECK(headline(object(R"({"status":"healthy","summary":"healthy, 3 ms"})")) == "healthy, 3 ms");
  CHECK(headline(object(R"({"status":"healthy"})")) == "healthy");
  CHECK(headline(object(R"({"summary":"8 images","changed":false})")) == "8 images (no change)");
  CHECK(headline(object(R"({"changed":false})")) == "no change");
  CHECK(headline(object(R"({"summary":"8 images","changed":true})")) == "8 images");
  CHECK(headline(object(R"({"summary":5,"status":null})")).empty());
}

TEST_CASE("a result is judged by its status, else by its worst finding") {
  CHECK(judge(object(R"({})")) == Judgement::good);
  CHECK(judge(object(R"({"status":"healthy"})")) == Judgement::good);
  CHECK(judge(object(R"({"status":"degraded"})")) == Judgement::warn);
  CHECK(judge(object(R"({"status":"unhealthy"})")) == Judgement::bad);
  CHECK(judge(object(findings)) == Judgement::bad);
  CHECK(judge(object(R"({"findings":[{"severity":"warning"},7]})")) == Judgement::warn);
  CHECK(judge(object(R"({"status":"healthy","findings":[{"severity":"error"}]})")) ==
        Judgement::warn);
}

TEST_CASE("findings stand with evidence and remedy, as many as the level of detail wants") {
  CHECK(view(findings, Detail::quiet) ==
        "    x time zone is CET\n      TimeZone=CET\n      -> set it to UTC\n");
  CHECK(view(findings, Detail::normal) ==
        "    x time zone is CET\n      TimeZone=CET\n      -> set it to UTC\n"
        "    ! disk is nearly full (/var)\n");
  CHECK(view(findings, Detail::verbose).ends_with("    * no replica\n"));
}

TEST_CASE("actions and artifacts are listed; metrics and unknown fields in verbose") {
  const char* result = R"({"actions":["start postgres","start redis"],
    "artifacts":[{"kind":"dump","path":"/b/pg.tar"},3],
    "metrics":{"latency":{"value":1.5,"unit":"ms"},"rows":{"value":12,"unit":"rows"},"bad":"x",
               "load":0.25},
    "other":{"a":1}})";
  CHECK(view(result, Detail::quiet).empty());
  CHECK(view(result, Detail::normal) ==
        "    * start postgres\n    * start redis\n    -> dump /b/pg.tar\n");
  CHECK(view(result, Detail::verbose) ==
        "    * start postgres\n    * start redis\n    -> dump /b/pg.tar\n"
        "    latency 1.5ms, rows 12 rows, load 0.25\n    other: {\"a\":1}\n");
}

TEST_CASE("long texts are wrapped under their sign") {
  CHECK(view(R"({"findings":[{"severity":"error","what":"one two three four five six seven"}]})",
             Detail::normal, 34) == "    x one two three four five six\n      seven\n");
}

TEST_CASE("quantities read as people write them") {
  CHECK(quantity(1288490189, "bytes") == "1.2 GiB");
  CHECK(quantity(-5, "bytes") == "0 B");
  CHECK(quantity(1.5, "ms") == "1.5ms");
  CHECK(quantity(2500, "ms") == "2.5s");
  CHECK(quantity(99.12345, "%") == "99.123%");
  CHECK(quantity(3, "rows") == "3 rows");
  CHECK(quantity(3, "") == "3");
}

TEST_CASE("text of a plugin cannot move the cursor") {
  const std::string text =
      view(R"({"actions":["\u001b[2Jgone\nsecond"],"findings":"no list","artifacts":{}})",
           Detail::verbose);
  CHECK(text == "    * gone second\n");
}

TEST_CASE("what a step leaves on record is not shown with its result") {
  const char* result = R"({"summary":"web answers","release":{"langfuse_web":"4.16.0"}})";
  CHECK(view(result, Detail::verbose).find("4.16.0") == std::string::npos);
}
