// SPDX-License-Identifier: Apache-2.0
#include "common/json.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace fbx::common {

namespace {

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

template <class T>
T need(std::optional<T> value, std::string_view key) {
  if (!value)
    throw Error(FBX_ARGUMENT, fmt::format("the setting \"{}\" is missing or of a wrong type", key),
                "the host fills in defaults by the manifest: this is a bug of the host");
  return *std::move(value);
}

}  // namespace

json::object parse_object(std::string_view text, std::string_view what, fbx_rc rc) {
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error) throw Error(rc, fmt::format("{} is not JSON: {}", what, error.message()));
  if (!value.is_object()) throw Error(rc, fmt::format("{} is not a JSON object", what));
  return std::move(value.as_object());
}

std::optional<std::string> text_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::optional<std::int64_t> integer_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error) return std::nullopt;
  return number;
}

std::optional<double> number_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  const auto number = value->to_number<double>(error);
  if (error) return std::nullopt;
  return number;
}

std::optional<bool> boolean_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

std::optional<std::chrono::milliseconds> duration_at(const json::object& object,
                                                     std::string_view key) {
  const auto ms = integer_at(object, key);
  if (!ms) return std::nullopt;
  return std::chrono::milliseconds{*ms};
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_at(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value == nullptr ? nullptr : value->if_array();
}

std::string need_text(const json::object& object, std::string_view key) {
  return need(text_at(object, key), key);
}
std::int64_t need_integer(const json::object& object, std::string_view key) {
  return need(integer_at(object, key), key);
}
double need_number(const json::object& object, std::string_view key) {
  return need(number_at(object, key), key);
}
bool need_boolean(const json::object& object, std::string_view key) {
  return need(boolean_at(object, key), key);
}
std::chrono::milliseconds need_duration(const json::object& object, std::string_view key) {
  return need(duration_at(object, key), key);
}

std::optional<std::string> secret_at(const json::object& object, std::string_view key) {
  const json::object* handle = object_at(object, key);
  return handle == nullptr ? std::nullopt : text_at(*handle, "$secret");
}

Secret expand(const Op& op, std::string_view text) {
  constexpr std::string_view opening = "${secret:";
  Secret out;
  for (;;) {
    const auto at = text.find(opening);
    const auto end = at == std::string_view::npos ? at : text.find('}', at);
    out.append(text.substr(0, end == std::string_view::npos ? end : at));
    if (end == std::string_view::npos) return out;
    const auto name = text.substr(at + opening.size(), end - at - opening.size());
    out.append(op.secret(name).view());
    text.remove_prefix(end + 1);
  }
}

Context parse_context(std::string_view context_json) {
  json::object object = parse_object(context_json, "the context");
  Context context;
  context.instance = text_at(object, "instance").value_or("");
  context.stack = text_at(object, "stack").value_or("");
  context.config_dir = text_at(object, "config_dir").value_or("");
  context.config_file = text_at(object, "config_file").value_or("");
  context.state_dir = text_at(object, "state_dir").value_or("");
  context.versions = text_at(object, "versions").value_or("");
  context.scratch = text_at(object, "scratch").value_or("");
  context.live_state_dir = text_at(object, "live_state_dir").value_or("");
  if (const json::object* config = object_at(object, "config")) context.config = *config;
  return context;
}

StepRequest parse_step_request(std::string_view request_json) {
  json::object object = parse_object(request_json, "the step's request");
  StepRequest request;
  request.verb = text_at(object, "verb").value_or("");
  request.phase = text_at(object, "phase").value_or("");
  request.run = text_at(object, "run").value_or("");
  if (const json::object* with = object_at(object, "with")) request.with = *with;
  return request;
}

}  // namespace fbx::common
