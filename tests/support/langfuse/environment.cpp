// SPDX-License-Identifier: Apache-2.0
#include "support/langfuse/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace stand_in {

namespace {

std::string optional(const char* name, const std::string& otherwise = "") {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::string required(const char* name) {
  auto value = optional(name);
  if (value.empty())
    throw Failure(fmt::format("❌ Invalid environment variables: {} is required", name));
  return value;
}

// "http://clickhouse:8123" to "clickhouse".
std::string host_of(const std::string& url) {
  const auto begin = url.find("://");
  if (begin == std::string::npos) throw Failure("CLICKHOUSE_URL is not a URL");
  const auto host = url.substr(begin + 3);
  return host.substr(0, host.find_first_of(":/"));
}

void check_forms() {
  const auto key = optional("ENCRYPTION_KEY");
  const bool hex =
      std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (!key.empty() && (key.size() != 64 || !hex))
    throw Failure("ENCRYPTION_KEY must be 256 bits, 64 string characters in hex format");
  // golang-migrate gets this password in a query string, as it is.
  const auto password = optional("CLICKHOUSE_PASSWORD");
  if (password.find_first_of("&=#?%+@ ") != std::string::npos)
    throw Failure("error: failed to open database: code: 516, Authentication failed");
  if (optional("CLICKHOUSE_CLUSTER_ENABLED", "true") != "false")
    throw Failure("There is no Zookeeper configuration in server config");
}

}  // namespace

Settings read_settings(Role role) {
  Settings settings;
  settings.role = role;
  settings.version = required("STAND_IN_VERSION");
  settings.fault = optional("STAND_IN_FAULT");
  settings.seconds = std::stoi(optional("STAND_IN_SECONDS", "6"));
  settings.database_url = required("DATABASE_URL");
  settings.clickhouse_host = host_of(required("CLICKHOUSE_URL"));
  settings.clickhouse_user = required("CLICKHOUSE_USER");
  settings.clickhouse_password = required("CLICKHOUSE_PASSWORD");
  settings.redis_host = required("REDIS_HOST");
  settings.redis_port = optional("REDIS_PORT", "6379");
  settings.redis_auth = optional("REDIS_AUTH");
  required("SALT");
  required("LANGFUSE_S3_EVENT_UPLOAD_BUCKET");
  if (role == Role::web) {
    required("CLICKHOUSE_MIGRATION_URL");
    required("NEXTAUTH_SECRET");
    required("NEXTAUTH_URL");
  }
  settings.port = optional("PORT", role == Role::web ? "3000" : "3030");
  check_forms();
  return settings;
}

}  // namespace stand_in
