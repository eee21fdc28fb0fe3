// SPDX-License-Identifier: Apache-2.0
#include "run/verdict.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <string>

namespace fusebox::run {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

// The first finding of that severity.
const json::object* finding(const json::object& result, std::string_view severity) {
  const json::value* findings = result.if_contains("findings");
  if (findings == nullptr || !findings->is_array()) return nullptr;
  for (const json::value& item : findings->get_array())
    if (item.is_object() && text_of(item.get_object(), "severity") == severity)
      return &item.get_object();
  return nullptr;
}

}  // namespace

Verdict judge(const json::object& result, bool strict) {
  const std::string status = text_of(result, "status");
  if (status == "unhealthy" || (strict && status == "degraded")) return Verdict::unhealthy;
  if (status.empty() && finding(result, "error") != nullptr) return Verdict::findings;
  return Verdict::fine;
}

Failure failure_of(const json::object& result, Verdict verdict) {
  const json::object* worst = finding(result, "error");
  if (worst == nullptr) worst = finding(result, "warning");
  std::string what = text_of(result, "summary");
  std::string hint;
  if (worst != nullptr) {
    if (what.empty()) what = text_of(*worst, "what");
    hint = text_of(*worst, "remedy");
  }
  const std::string status = text_of(result, "status");
  return {Errc::failed,
          fmt::format("{}{}{}", verdict == Verdict::unhealthy ? status : "findings",
                      what.empty() ? "" : ": ", what),
          hint};
}

}  // namespace fusebox::run
