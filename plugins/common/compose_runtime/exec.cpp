// SPDX-License-Identifier: Apache-2.0
#include "common/docker/exec.hpp"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>

#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"

namespace fbx::compose_runtime {

namespace {

void add_environment(const Op& op, const json::object& request, docker::Exec& exec) {
  const json::object* environment = common::object_at(request, "environment");
  if (environment == nullptr) return;
  for (const auto& item : *environment) {
    common::WipedText text;
    text.append(item.key());
    text.push_back('=');
    if (item.value().is_string())
      text.append(std::string_view(item.value().get_string()));
    else if (const auto secret = common::secret_at(*environment, item.key()))
      text.append(op.secret(*secret).view());
    exec.environment.push_back(std::move(text));
  }
}

}  // namespace

std::string ComposeRuntime::exec(Op& op, std::string_view text, int in, int out, int err) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const Layout::Service& service = scene.service(common::text_at(request, "service").value_or(""));
  const auto own = scene.of(service.name);
  if (own.empty() || own.front().state != docker::State::running)
    throw Error(FBX_UNAVAILABLE,
                fmt::format("service {} does not run, so nothing can run beside it", service.name),
                "bring it up: fusebox up");
  docker::Exec exec;
  exec.container = own.front().id;
  exec.command = texts_at(request, "command");
  exec.tty = common::boolean_at(request, "tty").value_or(false);
  exec.user = common::text_at(request, "user").value_or("");
  if (const char* term = std::getenv("TERM"); exec.tty && term != nullptr)
    exec.environment.emplace_back(fmt::format("TERM={}", term));
  add_environment(op, request, exec);
  const int code = docker::run_exec(scene.engine(), exec, in, out, err);
  return json::serialize(json::object{{"exit_code", code}});
}

}  // namespace fbx::compose_runtime
