// SPDX-License-Identifier: Apache-2.0
#include "secrets/redactor.hpp"

#include "secrets/store_impl.hpp"

namespace fusebox::secrets {

std::string Redactor::redact(std::string_view text) const {
  const auto matcher = store_.impl_->matcher();
  const std::vector<Match> matches = matcher->find(text);
  if (matches.empty()) return std::string(text);
  std::string result;
  result.reserve(text.size());
  std::size_t done = 0;
  for (const Match& match : matches) {
    result.append(text.substr(done, match.begin - done));
    result.append("[redacted:").append(match.secret->name).append("]");
    done = match.end;
  }
  return result.append(text.substr(done));
}

}  // namespace fusebox::secrets
