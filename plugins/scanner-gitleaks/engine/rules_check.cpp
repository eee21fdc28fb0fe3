// SPDX-License-Identifier: Apache-2.0
#include "engine/rules_check.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/regex.hpp"

namespace fusebox::scan {

namespace {

// Changes when the same rules come to mean something else here.
constexpr std::string_view kFormat = "1";

class Fields {
 public:
  void add(std::string_view text) {
    all_ += fmt::format("{}:", text.size());
    all_ += text;
  }
  void add(std::int64_t number) { add(fmt::format("{}", number)); }
  void add(const Allowlist& list) {
    add(static_cast<std::int64_t>(list.condition));
    add(static_cast<std::int64_t>(list.target));
    add(list.paths);
    add(list.regexes);
    add_all(list.commits);
    add_all(list.stopwords);
  }
  void add(const Required& required) {
    add(required.id);
    add(required.within_lines.value_or(-1));
    add(required.within_columns.value_or(-1));
  }
  template <class List>
  void add_all(const List& list) {
    add(static_cast<std::int64_t>(list.size()));
    for (const auto& item : list) add(item);
  }
  void add(const Rule& rule) {
    add(rule.id);
    add(rule.regex);
    add(rule.path);
    add(rule.secret_group);
    add(fmt::format("{}", rule.entropy));
    add_all(rule.keywords);
    add_all(rule.allowlists);
    add_all(rule.required);
    add(std::int64_t{rule.skip_report});
  }
  const std::string& all() const { return all_; }

 private:
  std::string all_;
};

void check_pattern(const PlacedText& pattern) {
  try {
    compile_regex(pattern.text);
  } catch (const std::invalid_argument& error) {
    throw RulesError(fmt::format("{}: not a regular expression: {}", pattern.place, error.what()));
  }
}

void check_group(const Rule& rule) {
  if (rule.regex.empty()) return;
  const int groups = compile_regex(rule.regex)->NumberOfCapturingGroups();
  if (rule.secret_group > groups)
    throw RulesError(
        fmt::format("{}: rule \"{}\" has the secretGroup {}, and its regex has {} groups",
                    rule.place, rule.id, rule.secret_group, groups));
}

}  // namespace

void RulesCheck::require_usable(const std::vector<Rule>& rules) const {
  for (const Rule& rule : rules) {
    if (rule.id.find_first_not_of(" \t\r\n") == std::string::npos)
      throw RulesError(fmt::format("{}: a rule needs an id", rule.place));
    if (rule.regex.empty() && rule.path.empty())
      throw RulesError(fmt::format("{}: rule \"{}\" needs a regex or a path", rule.place, rule.id));
  }
}

std::string RulesCheck::digest(const Rules& rules) const {
  Fields fields;
  fields.add(kFormat);
  fields.add(static_cast<std::int64_t>(patterns_.size()));
  for (const PlacedText& pattern : patterns_) fields.add(pattern.text);
  fields.add_all(rules.rules);
  fields.add_all(rules.allowlists);
  return sha256_hex(fields.all());
}

std::string RulesCheck::run(const Rules& rules, const Cache& cache) const {
  std::string key = digest(rules);
  const std::string name = key + ".checked";
  if (cache.get(name)) return key;
  for (const PlacedText& pattern : patterns_) check_pattern(pattern);
  for (const Rule& rule : rules.rules)
    if (rule.secret_group > 0) check_group(rule);
  cache.put(name, "");
  return key;
}

}  // namespace fusebox::scan
