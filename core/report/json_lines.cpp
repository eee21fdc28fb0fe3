// SPDX-License-Identifier: Apache-2.0
#include "report/json_lines.hpp"

#include "report/reporter.hpp"
#include "util/clock.hpp"

#include <boost/json/serialize.hpp>

namespace fusebox::report {

std::string to_json(const Event& event) {
  boost::json::object object{{"schema_version", schema_version},
                             {"type", to_string(event.type)},
                             {"time", util::rfc3339(event.time)}};
  for (const auto& [key, value] : event.data) object[key] = value;
  return boost::json::serialize(object);
}

void JsonLines::on_event(const Event& event) { output_.write(to_json(event) + "\n"); }

}  // namespace fusebox::report
