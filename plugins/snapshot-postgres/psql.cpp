// SPDX-License-Identifier: Apache-2.0
#include "psql.hpp"

#include <fmt/format.h>

namespace fbx::snapshot {

namespace json = boost::json;

namespace {

std::string doubled(std::string_view text, std::string_view which) {
  std::string out;
  for (const char c : text) {
    if (which.find(c) != std::string_view::npos) out += c;
    out += c;
  }
  return out;
}

}  // namespace

std::string identifier(std::string_view name) { return "\"" + doubled(name, "\"") + "\""; }
std::string literal(std::string_view text) { return "E'" + doubled(text, "'\\") + "'"; }

std::vector<Fields> fields_of(std::string_view text) {
  std::vector<Fields> rows;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    Fields& row = rows.emplace_back();
    for (std::size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
      row.emplace_back(line.substr(0, tab));
      line.remove_prefix(tab + 1);
    }
    row.emplace_back(line);
  }
  return rows;
}

Psql::Psql(const common::Context& context)
    : service_(common::need_text(context.config, "service")),
      database_(common::need_text(context.config, "database")),
      environment_{{"PGUSER", common::need_text(context.config, "user")},
                   {"PGAPPNAME", "fusebox"},
                   {"PGOPTIONS",
                    "-c statement_timeout=0 -c lock_timeout=60s "
                    "-c idle_in_transaction_session_timeout=0"}} {
  if (const auto password = common::secret_at(context.config, "password"))
    environment_["PGPASSWORD"] = json::object{{"$secret", *password}};
}

std::string Psql::administrative() const {
  return database_ == "template1" ? "postgres" : "template1";
}

common::Program Psql::program(const std::string& database, std::vector<std::string> command) const {
  json::object environment = environment_;
  environment["PGDATABASE"] = database;
  return {service_, std::move(command), std::move(environment), {}, -1};
}

common::Program Psql::script(const std::string& database, std::string text) const {
  auto made = program(database,
                      {"psql", "-X", "-q", "-A", "-t", "-w", "-F", "\t", "-v", "ON_ERROR_STOP=1"});
  made.stdin_text = std::move(text);
  return made;
}

std::vector<Fields> Psql::query(const Op& op, const std::string& database, std::string text,
                                std::string_view doing) const {
  const auto finished = common::run_beside(op, script(database, std::move(text)));
  common::require_success(finished, fmt::format("{} beside {}", doing, service_),
                          "check the server, the role and the database: `fusebox health`");
  return fields_of(finished.out);
}

}  // namespace fbx::snapshot
