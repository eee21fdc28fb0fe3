// SPDX-License-Identifier: Apache-2.0
#include "plan/step_caller.hpp"

#include <boost/json/array.hpp>

#include "plan/plan.hpp"

namespace fusebox::plan {

namespace json = boost::json;

json::object HostCaller::plan(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return host_.plan(instance, request, context);
}

json::object HostCaller::run(const std::string& instance, const json::object& request,
                             const plugin::CallContext& context) {
  return host_.run(instance, request, context);
}

json::object HostCaller::undo(const std::string& instance, const json::object& request,
                              const plugin::CallContext& context) {
  return host_.undo(instance, request, context);
}

void HostCaller::needed_secrets(const std::vector<std::string>& names) {
  host_.needed_secrets(names);
}

json::object step_request(const Step& step, const std::string& phase, const std::string& run,
                          const std::vector<std::string>& secrets) {
  return {{"verb", step.verb},
          {"phase", phase},
          {"run", run},
          {"with", step.with},
          {"secrets", json::array(secrets.begin(), secrets.end())}};
}

}  // namespace fusebox::plan
