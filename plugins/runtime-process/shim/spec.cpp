// SPDX-License-Identifier: Apache-2.0
#include "spec.hpp"

#include <boost/json.hpp>

namespace runtime_process::shim {

namespace json = boost::json;

std::string to_text(const Spec& spec) {
  json::object environment;
  for (const auto& [key, value] : spec.environment) environment[key] = value;
  return json::serialize(
      json::object{{"mode", spec.mode == Spec::Mode::service ? "service" : "command"},
                   {"record", to_json(spec.record)},
                   {"environment", std::move(environment)},
                   {"stdin", spec.stdin_text ? json::value(*spec.stdin_text) : json::value()},
                   {"redact", json::array(spec.redact.begin(), spec.redact.end())},
                   {"record_file", spec.record_file.string()},
                   {"own_group", spec.own_group}});
}

Spec spec_from_text(std::string_view text) {
  const json::object in = json::parse(text).as_object();
  Spec spec;
  spec.mode = in.at("mode").as_string() == "service" ? Spec::Mode::service : Spec::Mode::command;
  spec.record = record_from_json(in.at("record").as_object());
  for (const auto& member : in.at("environment").as_object())
    spec.environment.emplace(member.key(), member.value().as_string());
  if (in.at("stdin").is_string()) spec.stdin_text = std::string(in.at("stdin").as_string());
  for (const json::value& value : in.at("redact").as_array())
    spec.redact.emplace_back(value.as_string());
  spec.record_file = std::string(in.at("record_file").as_string());
  spec.own_group = in.at("own_group").as_bool();
  return spec;
}

}  // namespace runtime_process::shim
