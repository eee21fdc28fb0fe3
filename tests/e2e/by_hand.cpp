// SPDX-License-Identifier: Apache-2.0
#include "e2e/by_hand.hpp"

#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

namespace fusebox::test {

namespace fs = std::filesystem;

std::set<std::string> exported(const std::string& commands) {
  std::set<std::string> names;
  std::istringstream in(commands);
  const std::regex word("([A-Z_]+)(=[^ ]*)?( |$)");
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find("  #"));
    for (std::sregex_iterator at(line.begin(), line.end(), word), end; at != end; ++at)
      names.insert((*at)[1]);
  }
  return names;
}

namespace {

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::string commands_of(std::string_view document, std::string_view mark) {
  const std::string word = fmt::format(" {} ", mark);
  std::istringstream in{std::string(document)};
  std::string commands;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```sh ") && (line + " ").find(word) != std::string::npos)
      inside = true;
    else if (line.starts_with("```"))
      inside = false;
    else if (inside)
      commands += line + "\n";
  }
  return commands;
}

ByHand::ByHand() {
  postgres_.start();
  clickhouse_.start();
}

Ended ByHand::follow(const Sandbox& box, const fs::path& folder) {
  box_ = &box;
  const std::string page = slurp(FUSEBOX_RESTORE_PAGE);
  const fs::path client = box.write("by-hand/client.xml", fmt::format(R"(<config>
<host>127.0.0.1</host><port>{}</port><password from_env="CLICKHOUSE_PASSWORD"/>
</config>)",
                                                                      clickhouse_.tcp_port()));
  environment_ = {{"GENERATION", folder.string()},
                  {"PGHOST", "127.0.0.1"},
                  {"PGPORT", std::to_string(postgres_.port())},
                  {"PGUSER", postgres_.user()},
                  {"PGPASSWORD", postgres_.password()},
                  {"DATABASE", "postgres"},
                  {"CLICKHOUSE_CLIENT", "clickhouse-client --config-file=" + client.string()},
                  {"REDIS_DATA", redis_.data().string()},
                  {"MINIO_DATA", minio_.data().string()},
                  {"WORK", (box / "by-hand/work").string()}};
  std::set<std::string> names;
  for (const auto& [name, value] : environment_) names.insert(name);
  CHECK(exported(commands_of(page, "yours")) == names);
  environment_["CLICKHOUSE_PASSWORD"] = clickhouse_.password();
  const fs::path script =
      box.write("by-hand/script",
                "set -eu -o pipefail\n" + commands_of(page, "check") + commands_of(page, "plain"));
  Ended ended = run({"bash", script.string()});
  if (ended.exit_code != 0) return ended;
  redis_.start();
  minio_.start();
  return ended;
}

Ended ByHand::run(const std::vector<std::string>& command) const {
  CallOptions options;
  options.environment = environment_;
  return box_->program(command, options);
}

std::string ByHand::sql(const std::string& text) const {
  return without_newline(run({"psql", "-v", "ON_ERROR_STOP=1", "-Atqc", text, "postgres"}).out);
}

std::string ByHand::clickhouse(const std::string& text) const {
  return without_newline(run({"sh", "-c", "$CLICKHOUSE_CLIENT -q \"$1\"", "sh", text}).out);
}

std::string ByHand::redis(const std::string& words) const {
  CallOptions options;
  options.environment["REDISCLI_AUTH"] = redis_.password();
  return without_newline(
      box_->program({"sh", "-c", fmt::format("redis-cli -p {} {}", redis_.port(), words)}, options)
          .out);
}

std::string ByHand::object(const std::string& name) const {
  CallOptions options;
  options.environment = {
      {"PATH", fmt::format("{}/.cache/fusebox/bin:{}", std::getenv("HOME"), std::getenv("PATH"))},
      {"MC_HOST_it",
       fmt::format("http://{}:{}@127.0.0.1:{}", minio_.user(), minio_.password(), minio_.port())}};
  return box_->program({"env", "mc", "cat", "it/langfuse/" + name}, options).out;
}

}  // namespace fusebox::test
