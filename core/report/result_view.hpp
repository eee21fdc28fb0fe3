// SPDX-License-Identifier: Apache-2.0
// A step's result for a person. Knows the vocabulary that all plugins share (fusebox/step.h), and
// no plugin.
#pragma once

#include "report/style.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fusebox::report {

enum class Detail { quiet, normal, verbose };

// quiet: errors; normal: warnings too; verbose: all of it.
struct ViewOptions {
  Style style;
  Detail detail = Detail::normal;
  std::size_t width = 0;  // columns; 0: lines are not wrapped
};

enum class Judgement { good, warn, bad };

// By status, else by the worst finding.
Judgement judge(const boost::json::object& result);

// "healthy: PostgreSQL 15.8", "8 images pulled", "" when it says nothing. "(no change)" when it
// says that it changed nothing.
std::string headline(const boost::json::object& result);

// What stands under the headline: findings with evidence and remedy, actions, artifacts, metrics,
// and, in verbose, whatever else the result holds.
std::vector<Line> result_lines(const boost::json::object& result, const ViewOptions& options);

// A finding of the result has `text` as its remedy.
bool is_remedy_of_finding(const boost::json::object& result, std::string_view text);

// "latency 1.5ms, rows 12"; "" when there are none.
std::string metrics_text(const boost::json::object& result);

// 1288490189 "bytes" is "1.2 GiB", 1500 "ms" is "1.5s", 3 "rows" is "3 rows".
std::string quantity(double value, std::string_view unit);

}  // namespace fusebox::report
