// SPDX-License-Identifier: Apache-2.0
// What a response should be.
#pragma once

#include <regex.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/http.hpp"
#include "common/json.hpp"

namespace fbx::http {

// What is wrong with a response, and the line that shows it.
struct Mismatch {
  std::string what;
  std::string evidence;
  std::string remedy;
};

// A POSIX extended regular expression. std::regex can take exponential time and all of the stack.
class LineRegex {
 public:
  // Throws Error{FBX_CONFIG} when it is none.
  explicit LineRegex(const std::string& pattern);

  // Does a line match somewhere? Looks at the first 64 KiB, at 4 KiB of each line.
  bool matches(std::string_view text) const;

 private:
  struct Free {
    void operator()(regex_t* regex) const noexcept;
  };
  std::unique_ptr<regex_t, Free> regex_;
};

class Expectation {
 public:
  // From the settings status, body_contains, body_regex and json. Throws Error{FBX_CONFIG} for a
  // regular expression or a JSON pointer that is none.
  explicit Expectation(const common::json::object& config);

  // The first thing that is not as expected.
  std::optional<Mismatch> compare(const common::HttpResponse& response) const;

 private:
  std::optional<Mismatch> compare_status(const common::HttpResponse& response) const;
  std::optional<Mismatch> compare_body(const common::HttpResponse& response) const;
  std::optional<Mismatch> compare_json(const common::HttpResponse& response) const;

  std::vector<std::int64_t> status_;
  std::optional<std::string> contains_;
  std::optional<std::string> pattern_;
  std::optional<LineRegex> regex_;
  std::map<std::string, std::string> json_;  // pointer -> expected value as text
};

}  // namespace fbx::http
