// SPDX-License-Identifier: Apache-2.0
#include "support/configured_plugin.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <stdexcept>

#include "plugin/manifest.hpp"
#include "support/fake_host.hpp"

namespace fusebox::test {

namespace json = boost::json;

namespace {

const config::Origin written{"the test", 1, 1};

config::Value to_value(const json::value& from) {
  config::Value out;
  out.origin = written;
  if (const auto* object = from.if_object()) {
    config::Table table;
    for (const auto& [key, value] : *object) table.append(std::string(key), to_value(value));
    out.data = std::move(table);
  } else if (const auto* array = from.if_array()) {
    config::List list;
    for (const json::value& value : *array) list.push_back(to_value(value));
    out.data = std::move(list);
  } else if (const auto* text = from.if_string()) {
    out.data = std::string(*text);
  } else if (const auto* flag = from.if_bool()) {
    out.data = *flag;
  } else if (const auto* number = from.if_double()) {
    out.data = *number;
  } else {
    out.data = from.to_number<std::int64_t>();
  }
  return out;
}

json::object checked(const json::object& given, const config::Schema& schema,
                     std::string_view where) {
  std::vector<config::Problem> problems;
  json::object canonical = config::canonicalize(to_value(given), schema, where, problems);
  if (!problems.empty()) throw std::runtime_error(problems.front().str());
  return canonical;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? std::string{} : std::string(value->as_string());
}

Outcome outcome_of(Answer answer, std::chrono::steady_clock::time_point start) {
  Outcome outcome;
  outcome.ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  outcome.rc = answer.rc;
  outcome.text = std::move(answer.text);
  outcome.what = std::move(answer.what);
  outcome.hint = std::move(answer.hint);
  json::error_code error;
  const json::value parsed = json::parse(outcome.text, error);
  if (!error && parsed.is_object()) outcome.result = parsed.get_object();
  return outcome;
}

}  // namespace

std::string Outcome::status() const { return text_of(result, "status"); }
std::string Outcome::summary() const { return text_of(result, "summary"); }

std::string Outcome::findings() const {
  std::string out;
  if (const json::value* list = result.if_contains("findings"))
    for (const json::value& item : list->as_array()) {
      const json::object& finding = item.as_object();
      out +=
          fmt::format("{}: {} | {} | {}\n", text_of(finding, "severity"), text_of(finding, "what"),
                      text_of(finding, "evidence"), text_of(finding, "remedy"));
    }
  return out;
}

double Outcome::metric(std::string_view name) const {
  const json::value* metrics = result.if_contains("metrics");
  const json::value* one = metrics == nullptr ? nullptr : metrics->as_object().if_contains(name);
  if (one == nullptr) return std::numeric_limits<double>::quiet_NaN();
  return one->at("value").to_number<double>();
}

struct ConfiguredPlugin::Manifest : plugin::Manifest {};

ConfiguredPlugin::ConfiguredPlugin(FakeHost& host, const std::filesystem::path& library,
                                   const json::object& settings,
                                   const std::filesystem::path& state_dir,
                                   const std::filesystem::path& versions)
    : host_(host) {
  std::filesystem::path file = library;
  manifest_ = std::make_unique<Manifest>(
      Manifest{plugin::read_manifest(file.replace_extension(".fusebox.toml"))});
  json::object context{{"instance", manifest_->id},
                       {"stack", "test"},
                       {"config_dir", state_dir.string()},
                       {"state_dir", state_dir.string()},
                       {"config", checked(settings, manifest_->config, manifest_->id)}};
  if (!versions.empty()) context["versions"] = versions.string();
  loaded_ = std::make_unique<LoadedPlugin>(host, library.string(), json::serialize(context));
  if (loaded_->created().rc != FBX_OK) throw std::runtime_error(loaded_->created().what);
}

ConfiguredPlugin::~ConfiguredPlugin() = default;

json::object ConfiguredPlugin::request(std::string_view verb, const json::object& with,
                                       std::string_view run_id) const {
  const auto found = manifest_->verbs.find(std::string(verb));
  const json::object options =
      found == manifest_->verbs.end() ? with : checked(with, found->second.options, verb);
  json::object request{{"verb", verb},
                       {"phase", "test"},
                       {"run", run_id},
                       {"with", options},
                       {"secrets", json::array{}}};
  if (!release.empty()) request["release"] = json::object{{"release", release}};
  return request;
}

Outcome ConfiguredPlugin::plan(std::string_view verb, const json::object& with) {
  const auto start = std::chrono::steady_clock::now();
  return outcome_of(loaded_->plan(json::serialize(request(verb, with, ""))), start);
}

Outcome ConfiguredPlugin::run(std::string_view verb, const json::object& with,
                              const CallLimits& limits) {
  const std::string text = json::serialize(request(verb, with, "test-run"));
  const auto start = std::chrono::steady_clock::now();
  host_.deadline.reset();
  if (limits.deadline) host_.deadline = start + *limits.deadline;
  host_.cancel_fd = limits.cancel == nullptr ? -1 : limits.cancel->fd();
  return outcome_of(loaded_->run(text), start);
}

Outcome ConfiguredPlugin::undo(std::string_view verb, const json::value& result) {
  json::object asked = request(verb, {}, "test-run");
  json::array checkpoints;
  for (const std::string& text : host_.checkpoints) checkpoints.push_back(json::parse(text));
  asked["checkpoints"] = std::move(checkpoints);
  asked["result"] = result;
  const auto start = std::chrono::steady_clock::now();
  host_.deadline = start + std::chrono::seconds{30};
  host_.cancel_fd = -1;
  return outcome_of(loaded_->undo(json::serialize(asked)), start);
}

}  // namespace fusebox::test
