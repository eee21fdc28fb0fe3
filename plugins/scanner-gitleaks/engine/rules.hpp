// SPDX-License-Identifier: Apache-2.0
// A rules file in gitleaks' format: what it says, checked and completed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::scan {

// A rules file that cannot be used. what() is "file:line:column: reason".
class RulesError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Condition { any, all };  // "or", "and"
enum class Target { secret, match, line };

struct Allowlist {
  std::string description;
  Condition condition = Condition::any;
  Target target = Target::secret;
  std::set<std::string> commits;  // lower case
  // Joined with "|" and without groups, as gitleaks does: a flag in one reaches into the next.
  std::string paths;                   // empty: none
  std::string regexes;                 // empty: none
  std::vector<std::string> stopwords;  // lower case
};

// The rule only counts when the one named matches, too: in the same fragment, and as near as said.
struct Required {
  std::string id;
  std::optional<std::int64_t> within_lines;
  std::optional<std::int64_t> within_columns;
};

struct Rule {
  std::string id;
  std::string description;
  std::string regex;  // empty: none; one of regex and path is there
  std::string path;
  std::int64_t secret_group = 0;      // 0: the first group that is not empty
  double entropy = 0;                 // 0: not asked for
  std::vector<std::string> keywords;  // lower case
  std::vector<std::string> tags;
  std::vector<Allowlist> allowlists;
  std::vector<Required> required;
  bool skip_report = false;
  std::string place;  // "file:line:column" of its table
};

struct Rules {
  std::string title;
  std::vector<Rule> rules;  // in the order of the file; sorted by id where it extends another
  std::vector<Allowlist> allowlists;
  std::vector<std::string> warnings;
  std::string digest;  // SHA-256 of all that matters above

  const Rule* find(std::string_view id) const;
};

struct RulesOptions {
  // What `useDefault` means, and the rules of a source that has none of its own.
  std::filesystem::path default_rules;
  std::vector<std::string> enable;  // keep only these ids; empty: all
  // Where to remember that rules were checked and to keep what was compiled of them; empty:
  // nowhere.
  std::filesystem::path cache;
};

// Each throws RulesError. `name` stands for the file in messages.
std::shared_ptr<const Rules> load_rules(const std::filesystem::path& file, const RulesOptions&);
std::shared_ptr<const Rules> load_rules_text(std::string_view text, const std::string& name,
                                             const RulesOptions&);

// As gitleaks looks for them: `config` if given, $GITLEAKS_CONFIG, $GITLEAKS_CONFIG_TOML, the
// source's own .gitleaks.toml if that is a folder, else the default rules.
std::shared_ptr<const Rules> find_rules(const std::filesystem::path& config,
                                        const std::filesystem::path& source, const RulesOptions&);

}  // namespace fusebox::scan
