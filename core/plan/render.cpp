// SPDX-License-Identifier: Apache-2.0
#include "plan/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "util/clock.hpp"

namespace fusebox::plan {

namespace json = boost::json;

namespace {

std::string_view policy_name(config::OnFailure policy) {
  switch (policy) {
    case config::OnFailure::undo:
      return "undo";
    case config::OnFailure::stop:
      return "stop";
    case config::OnFailure::keep_going:
      return "continue";
  }
  return "undo";
}

const StepReport* report_of(const PlanReport* report, const Step& step) {
  if (report == nullptr) return nullptr;
  const auto it = std::find_if(report->steps.begin(), report->steps.end(),
                               [&](const StepReport& one) { return one.label == step.label; });
  return it == report->steps.end() ? nullptr : &*it;
}

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::vector<std::string> actions_of(const json::object& answer) {
  std::vector<std::string> actions;
  const json::value* value = answer.if_contains("actions");
  if (value == nullptr || !value->is_array()) return actions;
  for (const json::value& action : value->get_array())
    if (action.is_string()) actions.emplace_back(action.get_string());
  return actions;
}

// ---- text ----

std::string traits(const Step& step) {
  if (step.skipped) return "skipped";
  std::string text = step.effect == plugin::Effect::none ? "reads only"
                     : step.can_undo                     ? "changes, can be undone"
                                                         : "changes, cannot be undone";
  if (step.timeout.count() > 0) text += ", at most " + util::human_duration(step.timeout);
  if (step.retries > 0) text += fmt::format(", {} retries", step.retries);
  return text;
}

void write_step(std::string& out, const Step& step, std::string_view bullet, std::size_t width,
                const PlanReport* report) {
  out += fmt::format("{}{:<{}}  {}\n", bullet, step.label, width, traits(step));
  const std::string indent(bullet.size(), ' ');
  const StepReport* said = report_of(report, step);
  if (said == nullptr) return;
  if (said->error) {
    out += fmt::format("{}    ! {}\n", indent, *said->error);
    if (!said->hint.empty()) out += fmt::format("{}      {}\n", indent, said->hint);
    return;
  }
  const auto actions = actions_of(said->answer);
  for (const std::string& action : actions) out += fmt::format("{}    - {}\n", indent, action);
  const std::string summary = text_of(said->answer, "summary");
  if (actions.empty() && !summary.empty()) out += fmt::format("{}    - {}\n", indent, summary);
}

std::string as_text(const Plan& plan, const PlanReport* report) {
  std::size_t width = 0;
  for (const auto& group : plan.groups)
    for (const Step& step : group) width = std::max(width, step.label.size());
  std::string out =
      fmt::format("phase {}: {}\n", plan.phase,
                  plan.changes ? fmt::format("on failure {}", policy_name(plan.on_failure))
                               : std::string("reads only"));
  std::size_t number = 0;
  for (const auto& group : plan.groups) {
    ++number;
    if (group.size() == 1) {
      write_step(out, group.front(), fmt::format("{:>3}. ", number), width, report);
      continue;
    }
    out += fmt::format("{:>3}. at the same time:\n", number);
    for (const Step& step : group) write_step(out, step, "     ", width, report);
  }
  if (!plan.secrets.empty()) out += fmt::format("secrets: {}\n", fmt::join(plan.secrets, ", "));
  return out;
}

// ---- json ----

json::object as_json(const Step& step, const PlanReport* report) {
  json::object object{{"step", step.label},
                      {"instance", step.instance},
                      {"verb", step.verb},
                      {"effect", step.effect == plugin::Effect::none ? "none" : "change"},
                      {"can_undo", step.can_undo},
                      {"skipped", step.skipped},
                      {"timeout_ms", step.timeout.count()},
                      {"retries", step.retries},
                      {"with", step.with}};
  if (const StepReport* said = report_of(report, step)) {
    if (said->error)
      object["error"] = {{"what", *said->error}, {"hint", said->hint}};
    else
      object["plan"] = said->answer;
  }
  return object;
}

std::string as_json(const Plan& plan, const PlanReport* report) {
  json::array groups;
  for (const auto& group : plan.groups) {
    json::array steps;
    for (const Step& step : group) steps.push_back(as_json(step, report));
    groups.push_back(std::move(steps));
  }
  const json::object object{{"phase", plan.phase},
                            {"on_failure", policy_name(plan.on_failure)},
                            {"changes", plan.changes},
                            {"secrets", json::array(plan.secrets.begin(), plan.secrets.end())},
                            {"groups", std::move(groups)}};
  return json::serialize(object) + "\n";
}

// ---- mermaid ----

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"')
      out += "#quot;";
    else if (c == '<')
      out += "#lt;";
    else if (c == '>')
      out += "#gt;";
    else if (c == '#')
      out += "#35;";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

std::string node_text(const Step& step, const PlanReport* report) {
  std::string text = escaped(step.label);
  if (step.skipped) return text + "<br/>skipped";
  const StepReport* said = report_of(report, step);
  if (said == nullptr) return text;
  if (said->error) return text + "<br/>! " + escaped(*said->error);
  for (const std::string& action : actions_of(said->answer)) text += "<br/>" + escaped(action);
  return text;
}

std::string as_mermaid(const Plan& plan, const PlanReport* report) {
  std::string out = fmt::format("flowchart TD\n  start([\"{}\"])\n", escaped(plan.phase));
  std::vector<std::string> before{"start"};
  std::size_t number = 0;
  for (const auto& group : plan.groups) {
    std::vector<std::string> nodes;
    for (const Step& step : group) {
      nodes.push_back(fmt::format("s{}", ++number));
      // A stadium changes nothing, a box does.
      const bool reads = step.effect == plugin::Effect::none;
      out += fmt::format("  {}{}\"{}\"{}{}\n", nodes.back(), reads ? "([" : "[",
                         node_text(step, report), reads ? "])" : "]",
                         step.skipped ? ":::skipped" : "");
    }
    out += fmt::format("  {} --> {}\n", fmt::join(before, " & "), fmt::join(nodes, " & "));
    before = std::move(nodes);
  }
  out += fmt::format("  {} --> done([\"done\"])\n", fmt::join(before, " & "));
  out += "  classDef skipped stroke-dasharray: 4 4,color:#888\n";
  return out;
}

}  // namespace

std::optional<Format> parse_format(std::string_view name) {
  if (name == "text") return Format::text;
  if (name == "json") return Format::json;
  if (name == "mermaid") return Format::mermaid;
  return std::nullopt;
}

std::string render(const Plan& plan, Format format, const PlanReport* report) {
  switch (format) {
    case Format::text:
      return as_text(plan, report);
    case Format::json:
      return as_json(plan, report);
    case Format::mermaid:
      return as_mermaid(plan, report);
  }
  return {};
}

}  // namespace fusebox::plan
