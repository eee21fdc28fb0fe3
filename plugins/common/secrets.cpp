// SPDX-License-Identifier: Apache-2.0
#include "common/secrets.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/json.hpp"

namespace fbx::common {

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Names names_at(const json::object& object, std::string_view field) {
  const json::value* list = object.if_contains({field.data(), field.size()});
  Names names;
  if (list == nullptr) return names;
  const Error wrong(FBX_ARGUMENT, std::string(field) + " is no list of names",
                    "this is a bug of fusebox");
  if (!list->is_array()) throw wrong;
  for (const json::value& item : list->as_array()) {
    if (!item.is_string() || item.as_string().empty()) throw wrong;
    std::string name(item.as_string());
    if (!contains(names, name)) names.push_back(std::move(name));
  }
  return names;
}

Names names_of_step(std::string_view request) {
  const StepRequest step = parse_step_request(request);
  if (step.verb != "resolve")
    throw Error(FBX_ARGUMENT, "there is no verb " + step.verb, "the only verb is resolve");
  return names_at(parse_object(request, "the request"), "secrets");
}

Names names_of_request(std::string_view request) {
  return names_at(parse_object(request, "the request"), "names");
}

std::string resolved_json(const Names& names) {
  json::array list;
  for (const std::string& name : names) list.emplace_back(name);
  return json::serialize(json::object{{"resolved", std::move(list)}});
}

std::string listed(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

std::string counted(std::size_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

}  // namespace fbx::common
