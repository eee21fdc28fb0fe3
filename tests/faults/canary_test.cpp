// SPDX-License-Identifier: Apache-2.0
// Known secret values go through a whole deploy of the demo stack, and are looked for everywhere
// afterwards: files, command lines, output, logs, journals, a core dump.
#include "e2e/stacks.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>

using fusebox::test::DemoStack;
using fusebox::test::Ended;
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

// The demo stack with the canaries as its secrets.
class CanaryStack : public DemoStack {
 public:
  CanaryStack() {
    std::string lines;
    for (const auto& [name, value] : kCanaries) lines += name + "=" + value + "\n";
    secrets_ = box_.write("demo/.env", lines);
    fs::permissions(secrets_, fs::perms::owner_read | fs::perms::owner_write);
  }
  void check_files() const {
    for (const auto& entry : fs::recursive_directory_iterator(box_.path()))
      if (entry.is_regular_file() && entry.path() != secrets_)
        check_clean(read_all(entry.path()), entry.path().string());
  }

 private:
  fs::path secrets_;
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
  const CanaryStack stack;
  const Ended deployed =
      stack({"--json", "deploy", "--set=plugins.runtime-process.data_dir=\"data\""});
  REQUIRE_MESSAGE(deployed.exit_code == 0, deployed.all());
  check_clean(deployed.all(), "the output of deploy");
  check_command_lines();
  const std::vector<std::vector<std::string>> commands = {
      {"-v", "health"},
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
      {"-v", "deploy", "--set=plugins.runtime-process.data_dir=\"data\""}};
  for (const auto& command : commands)
    check_clean(stack(command).all(), "the output of " + command.back());
  stack.check_files();
}

TEST_CASE("a crash of fusebox leaves no core dump with a secret in it") {
  const CanaryStack stack;
  stack.box().write("crash.toml", R"(include = ["fusebox.toml"]
[plugins.zoo-aborts]
[phases.crash]
steps = ["secrets-file.resolve", "zoo-aborts.look"]
)");
  rlimit cores{};
  REQUIRE(::getrlimit(RLIMIT_CORE, &cores) == 0);
  cores.rlim_cur = cores.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_CORE, &cores) == 0);
  const Ended ended =
      stack({"--config", "crash.toml", "--plugin-dir", FUSEBOX_TEST_PLUGINS, "run", "crash"});
  CHECK_MESSAGE(ended.all().find("Aborted") != std::string::npos, ended.all());
  CHECK(ended.exit_code != 0);
  stack.check_files();
}
