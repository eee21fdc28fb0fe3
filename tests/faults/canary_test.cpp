// SPDX-License-Identifier: Apache-2.0
// Known secret values go through a whole deploy of the demo stack, and are looked for everywhere
// afterwards: files, command lines, output, logs, journals, a core dump.
#include "e2e/harness.hpp"
#include "support/child.hpp"
#include "support/servers.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <thread>

using fusebox::test::CallOptions;
using fusebox::test::Child;
using fusebox::test::ChildSpec;
using fusebox::test::Ended;
using fusebox::test::free_port;
using fusebox::test::Sandbox;
namespace fs = std::filesystem;

namespace {

const std::map<std::string, std::string> kCanaries = {
    {"POSTGRES_PASSWORD", "canaryPG4fb1Xq9"},   {"CLICKHOUSE_PASSWORD", "canaryCH77aaKw2"},
    {"REDIS_AUTH", "canaryRD0c9dTz5"},          {"MINIO_ROOT_USER", "canaryMU15e2Vn8"},
    {"MINIO_ROOT_PASSWORD", "canaryMP8d30Hs6"},
};

std::string read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {(std::istreambuf_iterator<char>(in)), {}};
}

void check_clean(std::string_view text, const std::string& where) {
  for (const auto& [name, value] : kCanaries)
    CHECK_MESSAGE(text.find(value) == std::string_view::npos, name << " is in " << where);
}

// The demo stack in the sandbox, on ports of its own, with the canaries as its secrets.
class Demo {
 public:
  Demo() {
    std::string lines;
    for (const auto& [name, value] : kCanaries) lines += name + "=" + value + "\n";
    secrets = sandbox.write("secrets.env", lines);
    fs::permissions(secrets, fs::perms::owner_read | fs::perms::owner_write);
    set("plugins.secrets-file.file", fmt::format("\"{}\"", secrets.string()));
    set("plugins.runtime-process.data_dir", fmt::format("\"{}\"", (sandbox / "data").string()));
    const std::string services = "plugins.runtime-process.services.";
    for (const char* port : {"postgres.ports.postgres", "clickhouse.ports.http",
                             "clickhouse.ports.native", "clickhouse.ports.interserver",
                             "redis.ports.redis", "minio.ports.api", "minio.ports.console"})
      set(services + port + ".port", std::to_string(free_port()));
    if (fusebox::test::MinioServer::missing()) {
      set(services + "minio.enabled", "false");
      base.insert(base.end(), {"--skip", "probe-minio"});
    }
  }
  ~Demo() { run({"down", "--volumes", "--yes", "--confirm", "langfuse-demo"}); }

  Ended run(std::vector<std::string> args) const {
    args.insert(args.begin(), base.begin(), base.end());
    CallOptions options;
    options.environment = environment;
    return sandbox.fusebox(args, options);
  }

  Sandbox sandbox;
  fs::path secrets;
  std::vector<std::string> base = {"--config", FUSEBOX_DEMO_CONFIG, "--plugin-dir",
                                   FUSEBOX_TEST_PLUGINS};
  std::map<std::string, std::string> environment = {
      {"PATH", std::string(std::getenv("PATH")) + ":" + std::string(std::getenv("HOME")) +
                   "/.cache/fusebox/bin"}};

 private:
  void set(const std::string& key, const std::string& value) {
    base.insert(base.end(), {"--set", key + "=" + value});
  }
};

void check_command_lines() {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos)
      check_clean(read_all(entry.path() / "cmdline"), "the command line of process " + name);
  }
}

}  // namespace

TEST_CASE("after a deploy no secret is in any file, command line, output, log or journal") {
  const Demo demo;
  const Ended deployed = demo.run({"--json", "deploy"});
  REQUIRE_MESSAGE(deployed.exit_code == 0, deployed.all());
  check_clean(deployed.all(), "the output of deploy");
  check_command_lines();
  const std::vector<std::vector<std::string>> commands = {{"-v", "health"},
                                                          {"--json", "health"},
                                                          {"ps"},
                                                          {"urls"},
                                                          {"logs"},
                                                          {"config", "show"},
                                                          {"plan", "deploy"},
                                                          {"secrets", "list"},
                                                          {"secrets", "check"},
                                                          {"runs", "show", "last"},
                                                          {"doctor"},
                                                          {"-v", "deploy"}};
  for (const auto& command : commands) {
    const Ended ended = demo.run(command);
    check_clean(ended.all(), "the output of " + command.back());
  }
  for (const auto& entry : fs::recursive_directory_iterator(demo.sandbox.path()))
    if (entry.is_regular_file() && entry.path() != demo.secrets)
      check_clean(read_all(entry.path()), entry.path().string());
}

TEST_CASE("a crash of fusebox leaves no core dump with a secret in it") {
  const Demo demo;
  demo.sandbox.write("crash.toml", fmt::format(R"(include = ["{}"]
[plugins.zoo-hangs]
[phases.crash]
steps = ["secrets-file.resolve", "zoo-hangs.look"]
)",
                                               FUSEBOX_DEMO_CONFIG));
  std::vector<std::string> args = {"-c", "ulimit -c unlimited; exec \"$0\" \"$@\"",
                                   fusebox::test::fusebox_program().string()};
  args.insert(args.end(), demo.base.begin(), demo.base.end());
  args.insert(args.end(), {"--config", (demo.sandbox / "crash.toml").string(), "run", "crash"});
  args.insert(args.begin(), "sh");
  ChildSpec spec;
  spec.command = args;
  spec.cwd = demo.sandbox.path();
  spec.log = demo.sandbox / "crash.log";
  Child child(spec);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (read_all(spec.log).find("zoo-hangs") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  REQUIRE_MESSAGE(child.running(), read_all(spec.log));
  child.stop(SIGABRT);
  for (const auto& entry : fs::recursive_directory_iterator(demo.sandbox.path()))
    if (entry.is_regular_file() && entry.path() != demo.secrets)
      check_clean(read_all(entry.path()), entry.path().string());
}
