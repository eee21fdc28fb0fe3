// SPDX-License-Identifier: Apache-2.0
// What the stand-in is told through its environment, with the rules that Langfuse itself has.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace stand_in {

enum class Role { web, worker };

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Settings {
  Role role = Role::web;
  std::string version;  // STAND_IN_VERSION, what health answers
  std::string fault;    // STAND_IN_FAULT; images.py lists them
  int seconds = 6;      // STAND_IN_SECONDS, how long migrations take with the fault `slow`

  std::string database_url;
  std::string clickhouse_host, clickhouse_user, clickhouse_password;
  std::string redis_host, redis_port, redis_auth;
  std::string port;

  bool has_fault(const char* name) const { return fault == name; }
};

// Throws Failure with Langfuse's reasons: a variable that is missing or of the wrong form.
Settings read_settings(Role role);

}  // namespace stand_in
