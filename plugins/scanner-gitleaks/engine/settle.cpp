// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "engine/detector.hpp"

namespace fusebox::scan {

namespace {

void replace_all(std::string& text, const std::string& what, std::string_view with) {
  if (what.empty()) return;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, done)) {
    out.append(text, done, at - done);
    out += with;
    done = at + what.size();
  }
  if (done == 0) return;
  out.append(text, done);
  text = std::move(out);
}

std::string masked(const std::string& secret, unsigned percent) {
  if (percent >= 100) return "REDACTED";
  if (secret.empty()) return secret;
  const double kept = static_cast<double>(secret.size()) * (100.0 - percent) / 100.0;
  return secret.substr(0, static_cast<std::size_t>(std::nearbyint(kept))) + "...";
}

}  // namespace

void redact(Finding& finding, unsigned percent) {
  if (percent == 0) return;
  const std::string mask = masked(finding.secret, percent);
  replace_all(finding.line, finding.secret, mask);
  replace_all(finding.match, finding.secret, mask);
  finding.secret = mask;
}

void settle(std::vector<Finding>& found, std::size_t from, const Compiled& rules,
            unsigned percent) {
  const auto is_generic = [&](const Finding& finding) {
    return rules.rules()[static_cast<std::size_t>(rules.find(finding.rule_id))].is_generic;
  };
  std::unordered_multimap<std::int64_t, std::size_t> telling;  // by line
  for (std::size_t i = from; i < found.size(); ++i)
    if (!is_generic(found[i])) telling.emplace(found[i].start_line, i);
  std::vector<Finding> kept;
  for (std::size_t i = from; i < found.size(); ++i) {
    bool is_known_better = false;
    if (is_generic(found[i])) {
      const auto [begin, end] = telling.equal_range(found[i].start_line);
      is_known_better = std::any_of(begin, end, [&](const auto& other) {
        return found[other.second].secret.find(found[i].secret) != std::string::npos;
      });
    }
    if (!is_known_better) kept.push_back(found[i]);
  }
  found.resize(from);
  for (Finding& finding : kept) {
    redact(finding, percent);
    found.push_back(std::move(finding));
  }
}

}  // namespace fusebox::scan
