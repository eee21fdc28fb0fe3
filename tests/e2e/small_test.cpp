// SPDX-License-Identifier: Apache-2.0
// One real service: what the commands do with it.
#include "e2e/stacks.hpp"
#include "support/failure.hpp"
#include "support/search.hpp"
#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <filesystem>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::SmallStack;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

// The value that was made for a secret.
std::string secret(const SmallStack& stack, const std::string& name) {
  const auto text = fusebox::test::slurp(stack.box() / ".env");
  const auto at = text.find(name + "=");
  REQUIRE(at != std::string::npos);
  const auto from = at + name.size() + 1;
  return text.substr(from, text.find('\n', from) - from);
}

bool process_lives(const std::string& pid) {
#if defined(__linux__)
  return std::filesystem::exists("/proc/" + pid);
#else
  return ::kill(std::stoi(pid), 0) == 0;
#endif
}

}  // namespace

TEST_CASE("a stack goes up, is used, and goes down with nothing left") {
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  SmallStack stack;
  const auto deployed = stack({"deploy"});
  expect(deployed, 0);
  CHECK(contains(deployed.out, "What next"));
  CHECK(contains(deployed.out, "127.0.0.1:"));
  CHECK(stack.state_of("redis") == "running");
  const auto pid = stack.pid_of("redis");
  CHECK(process_lives(pid));

  SUBCASE("a second deploy changes nothing") {
    expect(stack({"deploy"}), 0);
    CHECK(stack.pid_of("redis") == pid);
  }
  SUBCASE("health is green, and verbose health shows resources") {
    expect(stack({"health"}), 0);
    const auto verbose = stack({"health", "-v"});
    expect(verbose, 0);
    CHECK(contains(verbose.out, "MEMORY"));
    CHECK(contains(verbose.out, "VOLUME"));
    const auto lines = stack({"health", "-v", "--json"}).lines();
    REQUIRE(lines.size() > 2);
    CHECK(lines[lines.size() - 3].at("type") == "run_finished");
    CHECK(lines[lines.size() - 2].at("type") == "stats");
    CHECK(lines[lines.size() - 2].at("services").at(0).at("name") == "redis");
    CHECK(lines.back().at("type") == "volumes");
    CHECK(lines.back().at("volumes").as_array().size() == 1);
  }
  SUBCASE("exec gives the program's exit code and passes both streams through") {
    expect(stack({"exec", "redis", "--", "sh", "-c", "exit 7"}), 7);
    const auto echoed = stack({"exec", "redis", "--", "cat"}, "through and back");
    expect(echoed, 0);
    CHECK(echoed.out == "through and back");
    CHECK(stack({"exec", "redis", "sh", "-c", "echo oops >&2"}).err == "oops\n");
    expect(stack({"exec", "nobody", "--", "true"}), 1);
  }
  SUBCASE("a command of the configuration runs with its secret") {
    const auto pong = stack({"redis-cli", "ping"});
    expect(pong, 0);
    CHECK(pong.out == "PONG\n");
    CHECK(contains(stack({"redis-cli", "--", "--version"}).out, "redis-cli"));
  }
  SUBCASE("exec at a terminal hands the terminal over") {
    const auto ended = fusebox::test::at_terminal(
        stack.box(), {"shell", "redis"},
        {{"$ ", "tty >/dev/null && echo at-$((40+2))\n"}, {"at-42", "exit 5\n"}});
    INFO(ended.all());
    CHECK(ended.exit_code == 5);
  }
  SUBCASE("logs come from the service and hold no secret") {
    const auto value = secret(stack, "REDIS_AUTH");
    expect(stack({"exec", "redis", "--", "sh", "-c", "true"}), 0);
    const auto logs = stack({"logs", "--tail", "all"});
    expect(logs, 0);
    CHECK(contains(logs.out, "Ready to accept connections"));
    CHECK(contains(logs.out, "redis | "));
    CHECK_FALSE(contains(logs.out, value));
    for (const auto& line : stack({"logs", "redis", "-n", "3", "--json"}).lines())
      CHECK(line.at("service") == "redis");
    CHECK(stack({"logs", "redis", "-n", "3", "--json"}).lines().size() == 3);
    expect(stack({"logs", "--tail", "many"}), 2);
    expect(stack({"logs", "nobody"}), 1);
  }
  SUBCASE("logs are followed until Ctrl-C, which is no failure") {
    const auto ended =
        fusebox::test::at_terminal(stack.box(), {"logs", "-f"}, {{"Ready to accept", "\x03"}});
    INFO(ended.out);
    CHECK(ended.exit_code == 0);
  }
  SUBCASE("stop and start keep the data") {
    expect(stack({"redis-cli", "set", "kept", "yes"}), 0);
    expect(stack({"stop"}), 0);
    CHECK(stack.state_of("redis") == "exited");
    CHECK_FALSE(process_lives(pid));
    expect(stack({"health"}), 3);
    expect(stack({"start"}), 0);
    CHECK(stack({"redis-cli", "get", "kept"}).out == "yes\n");
    expect(stack({"restart", "redis"}), 0);
    CHECK(stack({"redis-cli", "get", "kept"}).out == "yes\n");
  }
  SUBCASE("down keeps the data, and removes it only when the stack is named") {
    expect(stack({"redis-cli", "set", "kept", "yes"}), 0);
    expect(stack({"down"}), 0);
    CHECK(stack.state_of("redis") == "created");
    expect(stack({"up"}), 0);
    CHECK(stack({"redis-cli", "get", "kept"}).out == "yes\n");
    const auto refused = stack({"down", "--volumes", "--yes"});
    expect(refused, 2);
    CHECK(contains(refused.err, "--confirm small"));
    expect(stack({"down", "--volumes", "--yes", "--confirm", "other"}), 2);
    CHECK(stack.state_of("redis") == "running");
    const auto wrong = fusebox::test::at_terminal(stack.box(), {"down", "--volumes"},
                                                  {{"Type the stack's name: ", "smal\n"}});
    CHECK(wrong.exit_code == 130);
    CHECK(stack.state_of("redis") == "running");
    const auto right = fusebox::test::at_terminal(stack.box(), {"down", "--volumes"},
                                                  {{"Type the stack's name: ", "small\n"}});
    INFO(right.all());
    CHECK(right.exit_code == 0);
    CHECK(stack.state_of("redis") == "missing");
    CHECK(stack.json({"volumes"}).at("volumes").as_array().empty());
    expect(stack({"up"}), 0);
    CHECK(stack({"redis-cli", "get", "kept"}).out == "\n");
  }
  SUBCASE("tables have their JSON") {
    CHECK(stack.json({"stats"}).at("services").as_array().size() == 1);
    CHECK(stack.json({"volumes"}).at("volumes").as_array().size() == 1);
    CHECK(stack.json({"urls"}).at("urls").as_array().size() == 1);
    CHECK(contains(stack({"ps"}).out, "redis"));
    CHECK(contains(stack({"stats"}).out, "%"));
  }
  SUBCASE("secrets are listed without values") {
    const auto value = secret(stack, "REDIS_AUTH");
    const auto list = stack({"secrets", "list"});
    expect(list, 0);
    CHECK(contains(list.out, "REDIS_AUTH"));
    CHECK_FALSE(contains(list.all(), value));
    expect(stack({"secrets", "check"}), 0);
    const auto text = stack({"secrets", "template"});
    expect(text, 0);
    CHECK(contains(text.out, "REDIS_AUTH"));
    CHECK_FALSE(contains(text.all(), value));
  }
  SUBCASE("a made secret is in no file of the state but its own") {
    const auto value = secret(stack, "REDIS_AUTH");
    CHECK(fusebox::test::files_with(stack.box().path(), value) == std::set<std::string>{".env"});
  }
  SUBCASE("doctor finds nothing to fail") {
    const auto ended = stack({"doctor"});
    expect(ended, 0);
    CHECK_FALSE(contains(ended.out, "fail"));
  }

  expect(stack({"down", "--volumes", "--yes", "--confirm", "small"}), 0);
  CHECK_FALSE(process_lives(pid));
  CHECK(stack.json({"volumes"}).at("volumes").as_array().empty());
}

TEST_CASE("D07: checks follow the plan, so what is not configured is not missed") {
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  SmallStack stack;
  const auto ended = stack({"deploy", "--json"});
  expect(ended, 0);
  const auto checks = fusebox::test::statuses(ended);
  CHECK(checks.at("probe-redis.check") == "healthy");
  for (const auto& [step, status] : checks) CHECK_FALSE(contains(step, "minio"));
}

TEST_CASE("runs are on record, and an unknown one is not found") {
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  SmallStack stack;
  CHECK(stack({"runs"}).out.empty());
  expect(stack({"up"}), 0);
  expect(stack({"down"}), 0);
  const auto runs = stack.json({"runs", "list"}).at("runs").as_array();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at("phase") == "down");
  CHECK(runs[0].at("outcome") == "ok");
  const std::string id(runs[1].at("id").as_string());
  const auto shown = stack({"runs", "show", id});
  expect(shown, 0);
  CHECK(contains(shown.out, "runtime-process.up"));
  CHECK(stack.json({"runs", "show"}).at("phase") == "down");
  expect(stack({"runs", "show", "nothing"}), 1);
  expect(stack({"recover"}), 0);
}
