// SPDX-License-Identifier: Apache-2.0
#include "support/sql.hpp"

#include <doctest/doctest.h>

#include "util/subprocess.hpp"

namespace fusebox::test {

namespace {

void run(std::vector<std::string> command, const std::string& variable) {
  util::ProcessSpec spec;
  spec.command = std::move(command);
  spec.environment = {variable};
  std::string errors;
  const auto keep = [&](std::string_view piece) { errors += piece; };
  const auto ended = util::run_process(spec, {}, keep, {}, nullptr);
  CAPTURE(errors);
  REQUIRE(ended.ok());
}

}  // namespace

void sql(const PostgresServer& server, const std::string& text, const std::string& database) {
  run({"psql", "-h", "127.0.0.1", "-p", std::to_string(server.port()), "-U", "postgres", "-d",
       database, "-v", "ON_ERROR_STOP=1", "-qc", text},
      "PGPASSWORD=" + server.password());
}

void sql(const ClickHouseServer& server, const std::string& text) {
  run({"clickhouse-client", "--host=127.0.0.1", "--port=" + std::to_string(server.tcp_port()),
       "--password=" + server.password(), "--multiquery", "--query=" + text},
      "HOME=" + server.folder().string());
}

}  // namespace fusebox::test
