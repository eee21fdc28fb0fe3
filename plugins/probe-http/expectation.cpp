// SPDX-License-Identifier: Apache-2.0
#include "expectation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/http_probe.hpp"

namespace fbx::http {

namespace json = common::json;

namespace {

constexpr std::size_t most_searched = std::size_t{64} << 10U;
constexpr std::size_t longest_line = 4096;

std::string as_text(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

std::string list_of(const std::vector<std::int64_t>& numbers) {
  std::string out;
  for (const std::int64_t number : numbers)
    out += fmt::format("{}{}", out.empty() ? "" : " or ", number);
  return out;
}

std::string remedy_for(long status) {
  if (status == 401 || status == 403)
    return "set the probe's headers to a credential that the service accepts";
  if (status == 404) return "check path, and that this is the service you mean";
  if (status >= 300 && status < 400)
    return "point the probe at the final address, or set redirects = true";
  if (status >= 500) return "see the service's log (`fusebox logs`): it says why it is not ready";
  return "compare the probe's path, method and status with the service's documentation";
}

}  // namespace

void LineRegex::Free::operator()(regex_t* regex) const noexcept {
  ::regfree(regex);
  delete regex;
}

LineRegex::LineRegex(const std::string& pattern) {
  auto regex = std::make_unique<regex_t>();
  const int rc = ::regcomp(regex.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB);
  if (rc != 0) {
    std::array<char, 128> why{};
    ::regerror(rc, regex.get(), why.data(), why.size());
    throw Error(FBX_CONFIG, fmt::format("body_regex is not a regular expression: {}", why.data()),
                "the grammar is that of POSIX extended regular expressions, as in grep -E");
  }
  regex_.reset(regex.release());
}

bool LineRegex::matches(std::string_view text) const {
  text = text.substr(0, most_searched);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, std::min(end, longest_line)));
    if (::regexec(regex_.get(), line.c_str(), 0, nullptr, 0) == 0) return true;
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return false;
}

Expectation::Expectation(const json::object& config)
    : contains_(common::text_at(config, "body_contains")),
      pattern_(common::text_at(config, "body_regex")) {
  if (const json::array* list = common::array_at(config, "status"))
    for (const json::value& value : *list) status_.push_back(value.to_number<std::int64_t>());
  if (pattern_) regex_.emplace(*pattern_);
  if (const json::object* fields = common::object_at(config, "json"))
    for (const auto& [pointer, value] : *fields) {
      if (!pointer.empty() && pointer.front() != '/')
        throw Error(FBX_CONFIG, fmt::format("\"{}\" is not a JSON pointer", std::string(pointer)),
                    fmt::format("write \"/{}\"", std::string(pointer)));
      json_.emplace(pointer, as_text(value));
    }
}

std::optional<Mismatch> Expectation::compare(const common::HttpResponse& response) const {
  if (auto wrong = compare_status(response)) return wrong;
  if (auto wrong = compare_body(response)) return wrong;
  return compare_json(response);
}

std::optional<Mismatch> Expectation::compare_status(const common::HttpResponse& response) const {
  if (std::find(status_.begin(), status_.end(), response.status) != status_.end())
    return std::nullopt;
  return Mismatch{fmt::format("answered {} instead of {}", response.status, list_of(status_)),
                  common::http_evidence(response), remedy_for(response.status)};
}

std::optional<Mismatch> Expectation::compare_body(const common::HttpResponse& response) const {
  const std::string remedy = "see what the service says, and compare it with the probe's settings";
  if (contains_ && response.body.find(*contains_) == std::string::npos)
    return Mismatch{fmt::format("answered without \"{}\"", *contains_),
                    common::http_evidence(response), remedy};
  if (regex_ && !regex_->matches(response.body))
    return Mismatch{fmt::format("answered nothing that matches /{}/", *pattern_),
                    common::http_evidence(response), remedy};
  return std::nullopt;
}

std::optional<Mismatch> Expectation::compare_json(const common::HttpResponse& response) const {
  if (json_.empty()) return std::nullopt;
  json::error_code error;
  const json::value document = json::parse(response.body, error);
  if (error)
    return Mismatch{"answered something that is not JSON", common::http_evidence(response),
                    "check path: another service may be answering"};
  for (const auto& [pointer, wanted] : json_) {
    json::error_code none;
    const json::value* found = document.find_pointer(pointer, none);
    if (found == nullptr)
      return Mismatch{fmt::format("answered without the field {}", pointer),
                      common::http_evidence(response), "check the probe's JSON pointer"};
    const std::string got = as_text(*found);
    if (got != wanted)
      return Mismatch{fmt::format("answered {} = {} instead of {}", pointer, got, wanted),
                      common::http_evidence(response),
                      pointer == "/version"
                          ? "another version runs than the one expected: deploy again"
                          : "see the service's log (`fusebox logs`)"};
  }
  return std::nullopt;
}

}  // namespace fbx::http
