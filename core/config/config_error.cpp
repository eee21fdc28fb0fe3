// SPDX-License-Identifier: Apache-2.0
#include "config/config_error.hpp"

#include "util/text.hpp"

#include <fmt/format.h>

namespace fusebox::config {
namespace {

std::string join(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.str();
  }
  return text;
}

}  // namespace

std::string Problem::str() const {
  const std::string where = origin.str();
  std::string text = where.empty() ? what : fmt::format("{}: {}", where, what);
  if (!hint.empty()) text += fmt::format(" ({})", hint);
  // A file's name may hold anything.
  return util::sanitize_line(text);
}

ConfigError::ConfigError(std::vector<Problem> problems)
    : Error(Errc::config, join(problems)), problems_(std::move(problems)) {}

}  // namespace fusebox::config
