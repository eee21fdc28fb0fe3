// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <set>

#include "report/report.hpp"

namespace json = boost::json;
using namespace fusebox::scan;

namespace {

Finding finding() {
  Finding f;
  f.rule_id = "b";
  f.description = "A thing";
  f.start_line = f.end_line = 7;
  f.start_column = 3;
  f.end_column = 20;
  f.match = "k=very-secret-value";
  f.secret = "very-secret-value";
  f.file = "dir with space/100%/ü.txt";
  f.fingerprint = "dir with space/100%/ü.txt:b:7";
  f.tags = {"t"};
  return f;
}

Rules rules() {
  Rules r;
  for (const char* id : {"a", "b", "b"}) {
    Rule rule;
    rule.id = id;
    rule.description = "what it is";
    r.rules.push_back(rule);
  }
  return r;
}

json::object run_of(std::vector<Finding> findings) {
  const json::value log = json::parse(write_sarif(findings, rules(), "1.2.3"));
  CHECK(log.at("version").as_string() == "2.1.0");
  CHECK(log.at("$schema").as_string().find("sarif-2.1.0") != json::string::npos);
  REQUIRE(log.at("runs").as_array().size() == 1);
  return log.at("runs").at(0).as_object();
}

std::set<std::string> keys(const json::value& value) {
  std::set<std::string> out;
  for (const auto& member : value.as_object()) out.insert(std::string(member.key()));
  return out;
}

}  // namespace

TEST_CASE("SARIF names the tool and each rule once") {
  const json::object run = run_of({});
  const json::value& driver = run.at("tool").at("driver");
  CHECK(driver.at("name").as_string() == "fusebox");
  CHECK(driver.at("semanticVersion").as_string() == "1.2.3");
  REQUIRE(driver.at("rules").as_array().size() == 2);
  for (const auto& rule : driver.at("rules").as_array()) {
    CHECK(keys(rule) == std::set<std::string>{"id", "shortDescription", "defaultConfiguration"});
    CHECK(rule.at("shortDescription").at("text").as_string() == "what it is");
    CHECK(rule.at("defaultConfiguration").at("level").as_string() == "error");
  }
  CHECK(run.at("results").as_array().empty());  // there, and empty: nothing was found
}

TEST_CASE("a SARIF result has what the schema asks for, a level and a fingerprint") {
  const json::object run = run_of({finding()});
  const json::value& result = run.at("results").at(0);
  CHECK(result.at("ruleId").as_string() == "b");
  CHECK(result.at("ruleIndex").as_int64() == 1);
  CHECK(result.at("level").as_string() == "error");
  CHECK(!result.at("message").at("text").as_string().empty());
  CHECK(result.at("fingerprints").at("gitleaks/v1").as_string() == finding().fingerprint);
  CHECK(result.at("properties").at("tags").at(0).as_string() == "t");
  CHECK_FALSE(result.as_object().contains("partialFingerprints"));  // no commit, nothing to say
  const json::value& place = result.at("locations").at(0).at("physicalLocation");
  CHECK(place.at("artifactLocation").at("uri").as_string() ==
        "dir%20with%20space/100%25/%C3%BC.txt");
  CHECK(place.at("region").at("startLine").as_int64() == 7);
  CHECK(place.at("region").at("endColumn").as_int64() == 20);
}

TEST_CASE("SARIF tells of a commit, and of a path without lines") {
  Finding f = finding();
  f.commit = "c0ffee";
  f.author = "\xFF no utf-8";
  f.start_line = f.end_line = f.start_column = f.end_column = 0;
  const json::object run = run_of({f});
  const json::value& result = run.at("results").at(0);
  CHECK(keys(result.at("partialFingerprints")) == std::set<std::string>{"commitSha", "author"});
  CHECK(result.at("partialFingerprints").at("author").as_string() == "\xEF\xBF\xBD no utf-8");
  CHECK_FALSE(result.at("locations").at(0).at("physicalLocation").as_object().contains("region"));
}

TEST_CASE("SARIF never holds the value") {
  CHECK(write_sarif(std::vector{finding()}, rules(), "1.2.3").find("very-secret") ==
        std::string::npos);
}
