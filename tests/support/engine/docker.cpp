// SPDX-License-Identifier: Apache-2.0
#include "support/engine/docker.hpp"

#include "support/skip.hpp"
#include "util/subprocess.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

std::string checked(const std::vector<std::string>& command) {
  auto ended = run_program(command);
  INFO(fmt::format("{}\n{}{}", fmt::join(command, " "), ended.out, ended.err));
  REQUIRE(ended.exit_code == 0);
  while (ended.out.ends_with('\n')) ended.out.pop_back();
  return ended.out;
}

std::vector<std::string> docker_command(std::vector<std::string> args) {
  args.insert(args.begin(), "docker");
  return args;
}

}  // namespace

Output run_program(const std::vector<std::string>& command,
                   const std::map<std::string, std::string>& environment,
                   std::chrono::seconds limit) {
  util::ProcessSpec spec;
  spec.command = command;
  for (const auto& [name, value] : environment) spec.environment.push_back(name + "=" + value);
  Output output;
  output.exit_code = util::run_process(
                         spec, [&](std::string_view bytes) { output.out += bytes; },
                         [&](std::string_view bytes) { output.err += bytes; },
                         std::chrono::steady_clock::now() + limit, nullptr)
                         .exit_code;
  return output;
}

std::string docker(std::vector<std::string> args) {
  return checked(docker_command(std::move(args)));
}

bool has_image(const std::string& name) {
  return run_program({"docker", "image", "inspect", name}).exit_code == 0;
}

std::map<std::string, std::string> read_lock(const fs::path& file) {
  std::ifstream in(file);
  std::map<std::string, std::string> values;
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (!line.starts_with('#') && equals != std::string::npos)
      values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return values;
}

void skip_without_images(const std::vector<std::string>& images) {
  if (std::getenv("FUSEBOX_TEST_ENGINE") == nullptr)
    skip_program("no engine; `ctest -L docker` starts the tests' own");
  std::vector<std::string> missing;
  for (const auto& image : images)
    if (!has_image(image)) missing.push_back(image);
  if (!missing.empty())
    skip_program(fmt::format("not built, see engine_images: {}", fmt::join(missing, ", ")));
}

PrivateEngine::PrivateEngine(const std::string& size) {
  std::string name = (fs::temp_directory_path() / "fusebox-private-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  folder_ = name;
  call("start",
       size.empty() ? std::vector<std::string>{} : std::vector<std::string>{"--size", size});
}

PrivateEngine::~PrivateEngine() {
  try {
    call("stop");
  } catch (...) {
    std::cerr << "the engine in " << folder_ << " was not stopped; it ends with this process\n";
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PrivateEngine::call(const std::string& verb, const std::vector<std::string>& more) const {
  std::vector<std::string> command = {FUSEBOX_TEST_PYTHON, FUSEBOX_TEST_ENGINE_SCRIPT, verb,
                                      folder_.string()};
  command.insert(command.end(), more.begin(), more.end());
  const auto ended = run_program(command, {}, std::chrono::seconds(120));
  if (ended.exit_code != 0)
    throw std::runtime_error(fmt::format("engine {}: {}{}", verb, ended.out, ended.err));
}

std::vector<std::string> PrivateEngine::enter(const std::vector<std::string>& command) const {
  std::vector<std::string> whole = {FUSEBOX_TEST_PYTHON, FUSEBOX_TEST_ENGINE_SCRIPT, "enter",
                                    folder_.string()};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

std::string PrivateEngine::docker(std::vector<std::string> args) const {
  return checked(enter(docker_command(std::move(args))));
}

fs::path PrivateEngine::socket() const {
  const auto host = checked(enter({"sh", "-c", "echo $DOCKER_HOST"}));
  return host.substr(std::string_view("unix://").size());
}

void PrivateEngine::down() const { call("down"); }
void PrivateEngine::up() const { call("up"); }
void PrivateEngine::restart() const { call("restart"); }

}  // namespace fusebox::test
