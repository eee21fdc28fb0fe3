// SPDX-License-Identifier: Apache-2.0
#include "common/secret_rules.hpp"

#include <algorithm>
#include <array>

namespace fbx::common {

namespace {

constexpr std::size_t short_value = 12;

// From Langfuse's own Compose file and from what people copy around with it.
constexpr std::array<std::string_view, 12> published = {
    "mysalt",        "mysecret",   "postgres", "clickhouse", "minio",    "miniosecret",
    "myredissecret", "minioadmin", "changeme", "CHANGEME",   "password", "secret"};

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_published(std::string_view value) {
  return std::find(published.begin(), published.end(), value) != published.end() ||
         (value.size() >= 8 && all_of(value, "0"));
}

bool is_password(std::string_view name) {
  for (const std::string_view part : {"PASSWORD", "SECRET", "SALT", "TOKEN", "_KEY", "AUTH"})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

}  // namespace

std::vector<Finding> judge_secret(std::string_view name, std::string_view value,
                                  const std::string& where) {
  std::vector<Finding> findings;
  const auto add = [&](Severity severity, std::string_view what, std::string_view remedy) {
    findings.push_back(
        {severity, std::string(name) + " " + std::string(what), "", std::string(remedy), where});
  };
  constexpr std::string_view white = " \t\r\n";
  if (!is_password(name) || value.empty()) return findings;
  if (is_published(value))
    add(Severity::error, "has a value that is published in examples",
        "set a random one: openssl rand -hex 24 (for data that exists, change it there too)");
  if (white.find(value.front()) != std::string_view::npos ||
      white.find(value.back()) != std::string_view::npos)
    add(Severity::warning, "begins or ends with white space", "remove it, unless it is meant");
  constexpr std::string_view hex = "0123456789abcdefABCDEF";
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  if (name == "ENCRYPTION_KEY" && (value.size() != 64 || !all_of(value, hex)))
    add(Severity::error, "is not 64 hex digits, so Langfuse will not start",
        "make one with `openssl rand -hex 32`; keep the old one if data is encrypted with it");
  else if (name == "CLICKHOUSE_PASSWORD" && !all_of(value, unreserved))
    add(Severity::error, "has characters that break the migration's query string",
        "use letters, digits and - _ . ~ only");
  else if (value.size() < short_value && !is_published(value))
    add(Severity::warning, "is shorter than 12 characters", "use a longer one");
  return findings;
}

}  // namespace fbx::common
