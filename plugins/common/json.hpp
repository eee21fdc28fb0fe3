// SPDX-License-Identifier: Apache-2.0
// JSON as plugins meet it: the context, requests and answers of the ABI.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <fusebox/plugin.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace fbx::common {

namespace json = boost::json;

// The object that `text` holds. Throws Error{rc} with `what` ("the answer of the runtime") when it
// is not one.
json::object parse_object(std::string_view text, std::string_view what, fbx_rc rc = FBX_ARGUMENT);

// A member, when it is there and of that type; null counts as absent.
std::optional<std::string> text_at(const json::object& object, std::string_view key);
std::optional<std::int64_t> integer_at(const json::object& object, std::string_view key);
std::optional<double> number_at(const json::object& object, std::string_view key);
std::optional<bool> boolean_at(const json::object& object, std::string_view key);
std::optional<std::chrono::milliseconds> duration_at(const json::object& object,
                                                     std::string_view key);
const json::object* object_at(const json::object& object, std::string_view key);
const json::array* array_at(const json::object& object, std::string_view key);

// The same for members that the manifest gives a default, so that they are always there. Throws
// Error{FBX_ARGUMENT} when one is not.
std::string need_text(const json::object& object, std::string_view key);
std::int64_t need_integer(const json::object& object, std::string_view key);
double need_number(const json::object& object, std::string_view key);
bool need_boolean(const json::object& object, std::string_view key);
std::chrono::milliseconds need_duration(const json::object& object, std::string_view key);

// The name in a handle, {"$secret":"NAME"}.
std::optional<std::string> secret_at(const json::object& object, std::string_view key);

// `text` with each ${secret:NAME} replaced by its value. Throws what Op::secret throws.
Secret expand(const Op& op, std::string_view text);

// What create() is given.
struct Context {
  std::string instance;
  std::string stack;
  std::string config_dir;   // absolute
  std::string config_file;  // absolute
  std::string state_dir;    // absolute; need not exist yet
  std::string versions;     // absolute; empty: the stack has no such file
  std::string scratch;      // not empty: a stack beside the live one; what runs is named after it
  std::string live_state_dir;  // absolute; of the live stack's instance, where this is scratch
  json::object config;         // canonical
};
Context parse_context(std::string_view context_json);

// What a step's plan, run and undo are given.
struct StepRequest {
  std::string verb;
  std::string phase;
  std::string run;  // "" while planning
  json::object with;
};
StepRequest parse_step_request(std::string_view request_json);

}  // namespace fbx::common
