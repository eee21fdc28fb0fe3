// SPDX-License-Identifier: Apache-2.0
#include "common/compose/verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/compose/before.hpp"
#include "common/compose/lifecycle.hpp"
#include "common/compose/preflight.hpp"
#include "common/compose/pull.hpp"
#include "common/compose/undo.hpp"
#include "common/compose/wait.hpp"

namespace fbx::compose {

namespace {

struct Request {
  std::string verb;
  LifecycleOptions options;
  std::chrono::milliseconds patience{0};
  json::object release;
  json::array checkpoints;
  std::optional<bool> overlay;  // nothing: as it was brought up last
};

Request read_request(std::string_view text) {
  const json::object in = common::parse_object(text, "the step's request");
  Request request;
  request.verb = common::text_at(in, "verb").value_or("");
  if (const json::object* release = common::object_at(in, "release")) request.release = *release;
  if (const json::array* list = common::array_at(in, "checkpoints")) request.checkpoints = *list;
  const json::object* with = common::object_at(in, "with");
  if (with == nullptr) return request;
  LifecycleOptions& options = request.options;
  if (const json::array* names = common::array_at(*with, "services"))
    for (const json::value& name : *names)
      if (name.is_string()) options.services.emplace_back(name.get_string());
  const bool is_check = request.verb == "check";
  if (is_check)
    request.patience = common::duration_at(*with, "wait").value_or(std::chrono::milliseconds{0});
  else
    options.until = common::text_at(*with, "wait").value_or("healthy") == "running"
                        ? Until::running
                        : Until::healthy;
  request.overlay = common::boolean_at(*with, "overlay");
  options.if_defined = common::boolean_at(*with, "if_defined").value_or(false);
  options.alone = common::boolean_at(*with, "alone").value_or(false);
  options.orphans = common::boolean_at(*with, "orphans").value_or(false);
  options.volumes = common::boolean_at(*with, "volumes").value_or(false);
  return request;
}

// ---- check --------------------------------------------------------------------------------------

common::Result judge_all(Project& project, const Model& model, bool& is_waiting) {
  common::Result result;
  is_waiting = false;
  std::vector<std::string> bad;
  const auto now = project.survey();
  for (const ServiceModel& service : model.services) {
    const auto it = now.find(service.name);
    const ServiceVerdict verdict =
        judge_service(model, service.name,
                      it == now.end() ? std::vector<docker::ContainerDetails>{} : it->second);
    if (verdict.readiness == Readiness::ready) continue;
    is_waiting = is_waiting || verdict.readiness == Readiness::waiting;
    bad.push_back(fmt::format("{} {}", service.name, verdict.why));
    result.add({common::Severity::error, bad.back(), "",
                verdict.why == "has no container"
                    ? "`fusebox up` creates it"
                    : fmt::format("`fusebox logs {}` tells why", service.name),
                service.name});
  }
  result.summary(bad.empty() ? fmt::format("all {} services run", model.services.size())
                             : fmt::format("{}", fmt::join(bad, "; ")));
  result.judge();
  return result;
}

std::string check(Project& project, std::chrono::milliseconds patience) {
  const Model model = model_for_question(project.op(), project.settings());
  const common::Deadline deadline(project.op(), patience);
  constexpr std::chrono::milliseconds pause{250};
  for (;;) {
    bool is_waiting = false;
    const common::Result result = judge_all(project, model, is_waiting);
    if (!is_waiting || deadline.passed()) return result.json();
    deadline.sleep(pause);
  }
}

// ---- plan ---------------------------------------------------------------------------------------

using Survey = std::map<std::string, std::vector<docker::ContainerDetails>>;

std::string up_action(const ServiceModel& service, const Survey& now) {
  const auto it = now.find(service.name);
  if (it == now.end() || it->second.empty())
    return fmt::format("create {} from {}", service.name, service.image);
  const docker::ContainerDetails& container = it->second.front();
  if (!service.image.empty() && !same_image(container.summary.image, service.image))
    return fmt::format("replace {}: {} becomes {}", service.name, container.summary.image,
                       service.image);
  return container.running() ? fmt::format("keep {}, unless its settings changed", service.name)
                             : fmt::format("start {}", service.name);
}

std::vector<std::string> pull_actions(Project& project, const std::vector<std::string>& services) {
  std::vector<std::string> actions;
  for (const ImagePlan& plan : plan_images(project, services))
    if (plan.kind == ImagePlan::Kind::fetch) actions.push_back("fetch " + plan.image);
  return actions;
}

std::vector<std::string> actions_of(Project& project, const Request& request) {
  std::vector<std::string> actions;
  if (request.verb == "preflight" || request.verb == "check" || request.verb == "versions")
    return actions;
  const Model& model = project.model();
  if (request.options.if_defined)
    for (const std::string& name : request.options.services)
      if (model.find(name) == nullptr) return actions;
  const auto services = model.with_dependencies(request.options.services);
  if (request.verb == "pull") return pull_actions(project, services);
  const Survey now = project.survey();
  for (const std::string& name : services) {
    const ServiceModel& service = *model.find(name);
    const auto it = now.find(name);
    const bool is_there = it != now.end() && !it->second.empty();
    const bool is_running = is_there && it->second.front().running();
    if (request.verb == "up") actions.push_back(up_action(service, now));
    if (request.verb == "start" && is_there && !is_running) actions.push_back("start " + name);
    if (request.verb == "stop" && is_running) actions.push_back("stop " + name);
    if (request.verb == "restart" && is_there) actions.push_back("restart " + name);
    if (request.verb == "down" && is_there) actions.push_back("remove the container of " + name);
  }
  if (request.verb == "down" && request.options.volumes)
    for (const auto& [key, volume] : model.volumes)
      if (!volume.external) actions.push_back("remove the volume " + volume.name + " for good");
  return actions;
}

}  // namespace

std::string Verbs::plan(Op& op, std::string_view text) const {
  const Request request = read_request(text);
  const Settings settings = with_overlay(settings_, request.overlay);
  Project project(op, settings, StartEngine{}, memo_.get());
  const auto actions = actions_of(project, request);
  json::object result{
      {"summary", actions.empty() ? "nothing to do" : fmt::format("{} actions", actions.size())},
      {"actions", json::array(actions.begin(), actions.end())},
      {"changed", !actions.empty()}};
  if (request.verb == "preflight" || request.verb == "check" || request.verb == "versions")
    result["summary"] = "looks, and changes nothing";
  return json::serialize(result);
}

std::string Verbs::run(Op& op, std::string_view text) const {
  const Request request = read_request(text);
  const Settings settings = with_overlay(settings_, request.overlay);
  Project project(op, settings, start_engine_, memo_.get());
  const auto answer = [](const json::object& result) { return json::serialize(result); };
  if (request.verb == "preflight") return answer(preflight(project));
  if (request.verb == "check") return check(project, request.patience);
  if (request.verb == "pull") return answer(pull(project, request.options.services));
  if (request.verb == "up") return answer(up(project, request.options));
  if (request.verb == "start") return answer(start(project, request.options));
  if (request.verb == "stop") return answer(stop(project, request.options));
  if (request.verb == "restart") return answer(restart(project, request.options));
  if (request.verb == "down") return answer(down(project, request.options));
  if (request.verb == "clean") return answer(clean(project, request.options));
  if (request.verb == "versions") return answer(versions(project, request.release));
  throw Error(FBX_UNSUPPORTED, fmt::format("this runtime has no verb \"{}\"", request.verb),
              "`fusebox plugins info` lists its verbs");
}

std::string Verbs::undo(Op& op, std::string_view text) const {
  const Request request = read_request(text);
  if (request.checkpoints.empty()) return R"({"summary":"nothing to undo","changed":false})";
  return json::serialize(compose::undo(op, settings_, start_engine_, request.checkpoints));
}

}  // namespace fbx::compose
