// SPDX-License-Identifier: Apache-2.0
// Redis and PostgreSQL under the container-less runtime: one-time init, data folders, secrets. The
// smallest stack in which every kind of step occurs.
#pragma once

#include "e2e/stacks.hpp"
#include "support/servers.hpp"

#include <fmt/format.h>

#include <string>

namespace fusebox::test {

class TwoServers : public SmallStack {
 public:
  // Lines added to its configuration.
  explicit TwoServers(const std::string& more = {})
      : SmallStack(fmt::format(R"(
[plugins.runtime-process]
data_dir = "data"
path = ["/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@17/bin"]

[plugins.runtime-process.services.redis.environment]
REDIS_PORT = "${{port}}"
REDISCLI_AUTH = "${{secret:REDIS_AUTH}}"

[plugins.runtime-process.services.postgres]
user = "postgres"
ports.postgres = {{ port = {}, target = 5432 }}
command = ["postgres", "-D", "${{data}}", "-p", "${{port}}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
environment = {{ PGHOST = "127.0.0.1", PGPORT = "${{port}}", PGUSER = "postgres" }}
ready = {{ tcp = "postgres" }}
stop_signal = "INT"

[plugins.runtime-process.services.postgres.init]
creates = "PG_VERSION"
command = ["initdb", "-D", "${{data}}", "-U", "postgres", "--pwfile=/dev/stdin", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]
stdin = "${{secret:POSTGRES_PASSWORD}}\n"

[plugins.probe-postgres]
service = "postgres"
user = "postgres"
password = {{ secret = "POSTGRES_PASSWORD" }}

[phases.deploy]
steps = [
  "secrets-file.resolve",
  "runtime-process.up",
  [{{ step = "probe-redis.check", with = {{ wait = "20s" }} }}, {{ step = "probe-postgres.check", with = {{ wait = "20s" }} }}],
]
{})",
                               free_port(), more)) {}

  static void skip_without_servers() {
    skip_program_if(PostgresServer::missing());
    skip_program_if(RedisServer::missing());
  }
};

}  // namespace fusebox::test
