// SPDX-License-Identifier: Apache-2.0
// Builds a step's result in the shared vocabulary (fusebox/step.h).
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::common {

enum class Severity { info, warning, error };
enum class Status { healthy, degraded, unhealthy };

std::string_view name_of(Severity severity);
std::string_view name_of(Status status);

// One thing worth telling: what it is, one line that proves it, one line that mends it, and where.
struct Finding {
  Severity severity = Severity::info;
  std::string what;
  std::string evidence;
  std::string remedy;
  std::string where;
};

// Fills step by step and is written once, by json(). Texts become single lines of at most 300
// characters; what is empty is left out.
class Result {
 public:
  Result& summary(std::string text);
  Result& add(Finding finding);
  // A double is rounded to three digits after the point.
  Result& metric(std::string_view name, double value, std::string_view unit);
  Result& metric(std::string_view name, std::int64_t value, std::string_view unit);
  Result& artifact(std::string_view kind, std::string_view path);
  Result& action(std::string text);  // plan() only
  Result& changed(bool is);
  // One field of what a successful run leaves on record: a version, a digest, ...
  Result& release(std::string_view key, boost::json::value value);

  // Takes over the other's findings, metrics and release.
  Result& merge(const Result& other);

  // From here on the result carries a status: the worst finding's.
  Result& judge();

  // healthy without a warning, degraded with one, unhealthy with an error.
  Status status() const;
  const std::vector<Finding>& findings() const { return findings_; }
  bool has_summary() const { return object_.contains("summary"); }

  std::string json() const;

 private:
  boost::json::object object_;
  boost::json::object metrics_;
  boost::json::object release_;
  boost::json::array artifacts_;
  boost::json::array actions_;
  std::vector<Finding> findings_;
  bool judged_ = false;
};

// `text` on one line: control characters become spaces, runs of spaces one, at most `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit = 300);

// "1.4 GiB", "12 ms"/"1.2 s": sizes and times as an operator reads them.
std::string human_size(double bytes);
std::string human_ms(double milliseconds);

}  // namespace fbx::common
