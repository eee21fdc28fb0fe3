// SPDX-License-Identifier: Apache-2.0
#include "common/secret_rules.hpp"

#include <doctest/doctest.h>

using fbx::common::Severity;

namespace {

// "error NAME ...; warning NAME ..."
std::string judged(std::string_view name, std::string_view value) {
  std::string out;
  for (const auto& finding : fbx::common::judge_secret(name, value, "e.env:1"))
    out += (out.empty() ? "" : "; ") + std::string(name_of(finding.severity)) + " " + finding.what;
  return out;
}

}  // namespace

TEST_CASE("values that protect nothing or break Langfuse are found") {
  const std::string random = "kX0vQ7mD2pZr9sTb";
  CHECK(judged("POSTGRES_PASSWORD", random) == "");
  for (const char* value : {"postgres", "clickhouse", "miniosecret", "myredissecret", "mysalt"})
    CHECK(judged("A_PASSWORD", value) ==
          "error A_PASSWORD has a value that is published in examples");
  CHECK(judged("ENCRYPTION_KEY", std::string(64, '0')) ==
        "error ENCRYPTION_KEY has a value that is published in examples");
  CHECK(judged("ENCRYPTION_KEY", random) ==
        "error ENCRYPTION_KEY is not 64 hex digits, so Langfuse will not start");
  CHECK(judged("ENCRYPTION_KEY", std::string(32, 'a') + std::string(32, 'F')) == "");
  CHECK(judged("CLICKHOUSE_PASSWORD", random + "&x=1") ==
        "error CLICKHOUSE_PASSWORD has characters that break the migration's query string");
  CHECK(judged("POSTGRES_PASSWORD", random + "&x=1") == "");
  CHECK(judged("REDIS_AUTH", "short") == "warning REDIS_AUTH is shorter than 12 characters");
  CHECK(judged("SALT", random + "\n") == "warning SALT begins or ends with white space");
}

TEST_CASE("what is no secret by its name is not judged, and no finding holds the value") {
  CHECK(judged("POSTGRES_USER", "postgres") == "");
  CHECK(judged("LANGFUSE_HOST", "x") == "");
  for (const auto& finding : fbx::common::judge_secret("CLICKHOUSE_PASSWORD", " kanari en", "w")) {
    CHECK(finding.what.find("kanari") == std::string::npos);
    CHECK(finding.remedy.find("kanari") == std::string::npos);
    CHECK(finding.where == "w");
  }
}
