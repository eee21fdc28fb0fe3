// SPDX-License-Identifier: Apache-2.0
#include "contract_rig.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "support/servers.hpp"

namespace contract {

namespace {

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Rig::Rig() : port(fusebox::test::free_port()), subject_(make_subject()) {
  fs::permissions(dir.path(),
                  fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  const std::string settings = subject_->settings(dir.path(), port);
  std::ofstream(dir / "fusebox.toml") << fmt::format(
      "[stack]\nname = \"contract-{}-{}\"\nstate_dir = \"{}\"\n\n[plugins.{}]\nuse = \"{}\"\n{}",
      ::getpid(), port, (dir / "state").string(), instance, subject_->plugin(), settings);
  fusebox::config::LoadOptions options;
  options.file = dir / "fusebox.toml";
  config_ = fusebox::config::load(options);
  catalog_ = fusebox::plugin::Catalog::discover({PLUGIN_FOLDER});
  store_.put("TOKEN", "canary-5d1");
  host_ = std::make_unique<fusebox::plugin::Host>(config_, catalog_, store_, problems_);
  for (const auto& problem : problems_) FAIL(problem.str());
}

Rig::~Rig() {
  try {
    run("down", {{"volumes", true}});
  } catch (const fusebox::Error& e) {
    MESSAGE(e.what());
  }
}

fusebox::plugin::CallContext Rig::context() {
  fusebox::plugin::CallContext context;
  context.label = "test";
  context.checkpoint = [this](std::string_view line) { checkpoints_.push_back(json::parse(line)); };
  return context;
}

json::object Rig::run(const std::string& verb, json::object with) {
  return host_->run(instance,
                    {{"verb", verb},
                     {"phase", "test"},
                     {"run", "r1"},
                     {"with", std::move(with)},
                     {"secrets", json::array{"TOKEN"}},
                     {"result", nullptr},
                     {"checkpoints", checkpoints_}},
                    context());
}

std::map<std::string, json::object> Rig::services() {
  const json::object answer = host_->services(instance, {}, context());
  std::map<std::string, json::object> out;
  for (const json::value& item : answer.at("services").as_array())
    out[std::string(item.at("name").as_string())] = item.as_object();
  return out;
}

std::vector<json::object> Rig::logs(json::object request) {
  std::vector<json::object> out;
  host_->logs(
      instance, request,
      [&](std::string_view line) { out.push_back(json::parse(line).as_object()); }, context());
  return out;
}

std::string Rig::exec(json::object request, const std::string& input) {
  std::ofstream(dir / "in", std::ios::binary) << input;
  const int in = ::open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open((dir / "out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  try {
    const json::object result = host_->exec(instance, request, in, out, -1, context());
    ::close(in);
    ::close(out);
    return fmt::format("{}{}", read(dir / "out"), result.at("exit_code").as_int64());
  } catch (...) {
    ::close(in);
    ::close(out);
    throw;
  }
}

json::object Rig::volume(bool out, const std::string& name, int fd) {
  const json::object request{{"volume", name}};
  return out ? host_->volume_export(instance, request, fd, context())
             : host_->volume_import(instance, request, fd, context());
}

json::object Rig::stage(const std::string& name, const std::string& tag, int fd) {
  return host_->volume_stage(instance, {{"volume", name}, {"tag", tag}}, fd, context());
}

void Rig::turn(const std::string& name, const std::string& tag, const std::string& to) {
  host_->volume_turn(instance, {{"volume", name}, {"tag", tag}, {"to", to}}, context());
}

}  // namespace contract
