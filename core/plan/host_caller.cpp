// SPDX-License-Identifier: Apache-2.0
#include "plan/step_caller.hpp"

namespace fusebox::plan {

namespace json = boost::json;

json::object HostCaller::with_release(json::object request) const {
  if (!release_.empty()) request["release"] = release_;
  return request;
}

json::object HostCaller::plan(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return host_.plan(instance, with_release(request), context);
}

json::object HostCaller::run(const std::string& instance, const json::object& request,
                             const plugin::CallContext& context) {
  return host_.run(instance, with_release(request), context);
}

json::object HostCaller::undo(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return host_.undo(instance, with_release(request), context);
}

void HostCaller::prepare(const std::string& instance, const plugin::CallContext& context) {
  host_.prepare(instance, context);
}

void HostCaller::needed_secrets(const std::vector<std::string>& names) {
  host_.needed_secrets(names);
}

}  // namespace fusebox::plan
