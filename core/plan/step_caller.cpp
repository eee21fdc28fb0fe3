// SPDX-License-Identifier: Apache-2.0
#include "plan/step_caller.hpp"

#include <boost/json/array.hpp>

#include "plan/plan.hpp"

namespace fusebox::plan {

namespace json = boost::json;

json::object step_request(const Step& step, const std::string& phase, const std::string& run,
                          const std::vector<std::string>& secrets) {
  return {{"verb", step.verb},
          {"phase", phase},
          {"run", run},
          {"with", step.with},
          {"secrets", json::array(secrets.begin(), secrets.end())}};
}

}  // namespace fusebox::plan
