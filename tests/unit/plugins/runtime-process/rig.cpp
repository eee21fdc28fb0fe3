// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <thread>

namespace runtime_test {

json::object shell(std::string script, json::object more) {
  json::object service{
      {"command",
       {"sh", "-c", script + "\n: > \"$0/up\"; while :; do sleep 0.05; done", "${data}"}},
      {"ready",
       {{"command", {"test", "-e", "${data}/up"}}, {"timeout", "5s"}, {"interval", "20ms"}}},
      {"stop_grace", "2s"}};
  for (const auto& member : more) service[member.key()] = member.value();
  return service;
}

Rig::Rig(json::object services) {
  host.secrets = {{"PASSWORD", "canary-3f9c1e"}};
  configure(std::move(services));
}

Rig::~Rig() {
  std::error_code ignored;
  for (const auto& item : fs::directory_iterator(state_dir() / "services", ignored)) {
    if (item.path().extension() != ".json") continue;
    const auto left = runtime_process::read_record(state_dir(), item.path().stem().string());
    if (!left || !left->running()) continue;
    runtime_process::signal_group(left->process, SIGKILL);
    eventually([&] { return !left->shim_alive(); });
  }
}

void Rig::configure(json::object services) {
  plugin_.reset();
  plugin_ = std::make_unique<fusebox::test::ConfiguredPlugin>(
      host, PLUGIN_FILE,
      json::object{{"data_dir", data_dir().string()}, {"services", std::move(services)}},
      state_dir());
}

std::string Rig::request(std::string_view verb, json::object with) const {
  json::array checkpoints;
  for (const std::string& text : host.checkpoints) checkpoints.push_back(json::parse(text));
  return json::serialize(json::object{{"verb", verb},
                                      {"phase", "test"},
                                      {"run", run_id},
                                      {"with", std::move(with)},
                                      {"secrets", json::array{}},
                                      {"result", nullptr},
                                      {"checkpoints", std::move(checkpoints)}});
}

Answer Rig::plan(std::string_view verb, json::object with) {
  return plugin_->loaded().plan(request(verb, std::move(with)));
}
Answer Rig::run(std::string_view verb, json::object with) {
  return plugin_->loaded().run(request(verb, std::move(with)));
}
Answer Rig::undo(std::string_view verb) { return plugin_->loaded().undo(request(verb, {})); }

Answer Rig::ask(fbx_rc (*fbx_runtime_v1::*slot)(fbx_instance*, fbx_op*, fbx_str, fbx_sink),
                json::object request) {
  auto& loaded = plugin_->loaded();
  const auto& table = loaded.table<fbx_runtime_v1>(FBX_IFACE_RUNTIME);
  const std::string text = json::serialize(request);
  return loaded.call([&](fbx_op* op, fbx_sink out) {
    return (table.*slot)(loaded.instance(), op, fbx::to_str(text), out);
  });
}

Answer Rig::exec(json::object request, int in, int out, int err) {
  auto& loaded = plugin_->loaded();
  const auto& table = loaded.table<fbx_runtime_v1>(FBX_IFACE_RUNTIME);
  const std::string text = json::serialize(request);
  return loaded.call([&](fbx_op* op, fbx_sink sink) {
    return table.exec(loaded.instance(), op, fbx::to_str(text), in, out, err, sink);
  });
}

Answer Rig::transfer(fbx_rc (*fbx_runtime_v1::*slot)(fbx_instance*, fbx_op*, fbx_str, std::int32_t,
                                                     fbx_sink),
                     const std::string& volume, int fd, const json::object& more) {
  auto& loaded = plugin_->loaded();
  const auto& table = loaded.table<fbx_runtime_v1>(FBX_IFACE_RUNTIME);
  json::object request{{"volume", volume}};
  for (const auto& [key, value] : more) request[key] = value;
  const std::string text = json::serialize(request);
  return loaded.call([&](fbx_op* op, fbx_sink sink) {
    return (table.*slot)(loaded.instance(), op, fbx::to_str(text), fd, sink);
  });
}

json::value Rig::service(std::string_view name, std::string_view member) {
  const Answer answer = ask(&fbx_runtime_v1::services, {{"services", {name}}});
  if (answer.rc != FBX_OK) return json::value(answer.what);
  const json::value parsed = json::parse(answer.text);
  return parsed.at("services").at(0).at(member);
}

std::string Rig::state(std::string_view name) {
  return std::string(service(name, "state").as_string());
}

std::optional<Record> Rig::record(std::string_view name) const {
  return runtime_process::read_record(state_dir(), name);
}

std::string Rig::data(std::string_view service, std::string_view file) const {
  return runtime_process::read_file(data_dir() / service / file).value_or("");
}

std::string Rig::log(std::string_view service) const {
  return runtime_process::read_file(state_dir() / "logs" / fmt::format("{}.log", service))
      .value_or("");
}

std::string summary(const Answer& answer) {
  if (answer.rc != FBX_OK) return answer.what;
  return std::string(json::parse(answer.text).at("summary").as_string());
}

bool changed(const Answer& answer) { return json::parse(answer.text).at("changed").as_bool(); }

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace runtime_test
