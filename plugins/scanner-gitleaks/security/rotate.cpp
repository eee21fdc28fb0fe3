// SPDX-License-Identifier: Apache-2.0
// security-rotate: what to do about secrets that have been seen.
#include <fmt/format.h>

#include <map>

#include "security/incidents.hpp"
#include "security/security.hpp"

using fbx::common::Result;
using fbx::common::Severity;

namespace fusebox::scan {

namespace {

struct Advice {
  std::string_view rule;  // or the beginning of several
  std::string_view how;
};

// In the order in which to look: the first that fits.
constexpr Advice advice[] = {
    {"langfuse-encryption-key",
     "do not change it: stored LLM keys cannot be read without it. Revoke those keys at their "
     "providers"},
    {"langfuse-salt",
     "new value in the vault, fusebox deploy; API keys are hashed anew at their next use"},
    {"langfuse-init-secret", "change the password in Langfuse, delete the project's key there"},
    {"langfuse-", "delete the key in the project's settings in Langfuse, make another"},
    {"nextauth-secret", "new value in the vault, fusebox deploy; everybody signs in again"},
    {"postgres",
     "ALTER ROLE ... PASSWORD (fusebox db-shell), the same into the vault, fusebox deploy"},
    {"clickhouse",
     "new value in the vault, fusebox deploy (clickhouse, web and worker start anew)"},
    {"redis", "new value in the vault, fusebox deploy (redis, web and worker start anew)"},
    {"minio", "new value in the vault, fusebox deploy (minio, web and worker start anew)"},
    {"known-default-secret", "replace it as any other: it is published, so it protects nothing"},
    {"private-key", "make a new pair, replace the public key wherever it is trusted"},
    {"host-inventory", "nothing to revoke: take the file out of the repository"},
};

std::string_view how_to(const std::string& rule) {
  for (const Advice& one : advice)
    if (rule.starts_with(one.rule)) return one.how;
  return "revoke it where it was issued, make another, put that into the vault";
}

}  // namespace

Result security_rotate(const Repository& repository) {
  std::size_t torn = 0;
  struct Seen {
    std::size_t times = 0;
    Incident last;
  };
  std::map<std::string, Seen> rules;
  for (Incident& incident : read_incidents(repository.top(), torn)) {
    Seen& seen = rules[incident.rule];
    ++seen.times;
    seen.last = std::move(incident);
  }
  Result result;
  for (const auto& [rule, seen] : rules)
    result.add({Severity::warning,
                fmt::format("{}: seen {} times, last {}", rule, seen.times, seen.last.time),
                fmt::format("{}:{}", seen.last.file, seen.last.line), std::string(how_to(rule)),
                ""});
  return result.changed(false).summary(
      rules.empty() ? "no incident is on record: nothing has to be rotated for one"
                    : fmt::format("{} kinds of secrets have been seen: rotate them", rules.size()));
}

}  // namespace fusebox::scan
