// SPDX-License-Identifier: Apache-2.0
#include "e2e/docker/docker_stacks.hpp"

#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <unistd.h>
#include <atomic>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

const fs::path root = FUSEBOX_TEST_ROOT;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string of_project(const std::string& name) {
  return "label=com.docker.compose.project=" + name;
}

// Never fails: it runs when a test is over, also where the engine is not well.
void remove_all(const std::string& project, const std::vector<std::string>& list,
                const std::vector<std::string>& remove) {
  auto command = list;
  command.insert(command.end(), {"--quiet", "--filter", of_project(project)});
  command.insert(command.begin(), "docker");
  auto removal = remove;
  for (const auto& id : lines_of(run_program(command).out)) removal.push_back(id);
  removal.insert(removal.begin(), "docker");
  if (removal.size() > remove.size() + 1) run_program(removal);
}

}  // namespace

void deploy(const LangfuseStack& stack) {
  const auto ended = stack({"deploy"});
  INFO(ended.all());
  REQUIRE(ended.exit_code == 0);
}

std::string tag(const LangfuseStack& stack, const std::string& service) {
  const auto image = stack.image(service);
  return image.substr(image.find_last_of(':') + 1);
}

std::string fresh_name(const std::string& what) {
  static std::atomic<int> count = 0;
  return fmt::format("{}-{}-{}", what, ::getpid(), ++count);
}

ComposeStack::ComposeStack(const std::string& config,
                           const std::map<std::string, std::string>& files)
    : ComposeStack(fresh_name("stack")) {
  box_.write("fusebox.toml", fmt::format("[stack]\nname = \"{}\"\n{}", name(), config));
  for (const auto& [file, text] : files) box_.write(file, text);
}

ComposeStack::~ComposeStack() {
  try {
    for (const auto& project : {name(), name() + "-drill"}) {
      remove_all(project, {"ps", "--all"}, {"rm", "--force", "--volumes"});
      remove_all(project, {"network", "ls"}, {"network", "rm"});
      remove_all(project, {"volume", "ls"}, {"volume", "rm"});
    }
  } catch (...) {
    std::cerr << "the project " << name() << " could not be removed\n";
  }
}

std::map<std::string, std::string> ComposeStack::containers() const {
  std::map<std::string, std::string> found;
  const auto listed = docker({"ps", "--all", "--no-trunc", "--filter", of_project(name()),
                              "--format", "{{.Names}} {{.ID}}"});
  for (const auto& line : lines_of(listed)) {
    const auto space = line.find(' ');
    found[line.substr(0, space)] = line.substr(space + 1);
  }
  return found;
}

std::string ComposeStack::container(const std::string& service) const {
  return docker({"ps", "--all", "--quiet", "--filter", of_project(name()), "--filter",
                 "label=com.docker.compose.service=" + service});
}

std::string ComposeStack::inspect(const std::string& service, const std::string& format) const {
  const auto id = container(service);
  return id.empty() ? "" : docker({"inspect", "--format", format, id});
}

std::string ComposeStack::image(const std::string& service) const {
  return inspect(service, "{{.Config.Image}}");
}

std::vector<std::string> ComposeStack::volumes() const {
  return lines_of(docker({"volume", "ls", "--quiet", "--filter", of_project(name())}));
}

LangfuseStack::LangfuseStack(const std::vector<std::string>& options)
    : ComposeStack(fresh_name("langfuse")) {
  for (const auto* folder : {"compose", "configs"})
    fs::copy(root / folder, box_ / folder, fs::copy_options::recursive);
  options_ = {
      "--config=" + (box_ / "configs/langfuse-docker.toml").string(),
      fmt::format("--set=stack.name=\"{}\"", name()),
      // The engine's containers are reached by their addresses, so that stacks share no ports.
      "--set=plugins.runtime.files=[\"compose/docker-compose.yml\"]",
      // Debian's ClickHouse is older than what Langfuse needs, and machines for tests are small.
      "--set=plugins.probe-clickhouse.min_version=\"18\"",
      "--set=plugins.runtime.min_disk=\"100MB\"", "--set=plugins.runtime.min_memory=0"};
  options_.insert(options_.end(), options.begin(), options.end());
}

void LangfuseStack::hurry() const {
  const auto file = box_ / "configs/langfuse-base.toml";
  auto text = slurp(file);
  for (const auto* wait : {"wait = \"1h\"", "wait = \"2m\""})
    text = std::regex_replace(text, std::regex(wait), "wait = \"4s\"");
  std::ofstream(file) << text;
}

void LangfuseStack::skip_without_images() {
  std::vector<std::string> images;
  for (const auto& [key, image] : read_lock(root / "configs/versions.lock"))
    if (key != "BACKUP_IMAGE") images.push_back(image);
  fusebox::test::skip_without_images(images);
}

void LangfuseStack::lock_langfuse(const std::string& tag) const {
  const auto file = box_ / "configs/versions.lock";
  const auto text = slurp(file);
  std::ofstream(file) << std::regex_replace(
      text, std::regex("(LANGFUSE_[A-Z]*_IMAGE=[^:\n]*):[^\n]*"), "$1:" + tag);
}

std::string LangfuseStack::locked(const std::string& key) const {
  return read_lock(box_ / "configs/versions.lock").at(key);
}

std::string LangfuseStack::ask(const std::string& service, int port,
                               const std::string& path) const {
  return run_program({"docker", "exec", container(service), "timeout", "5", "wget", "-q", "-O", "-",
                      fmt::format("http://127.0.0.1:{}{}", port, path)})
      .out;
}

}  // namespace fusebox::test
