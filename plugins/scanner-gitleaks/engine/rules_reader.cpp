// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/cache.hpp"
#include "engine/regex.hpp"
#include "engine/rules.hpp"
#include "engine/rules_check.hpp"
#include "engine/toml_view.hpp"
#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepestExtension = 2;

// One file of a chain, before the end of the chain is known.
struct Draft {
  std::map<std::string, Rule> rules;
  std::vector<std::string> order;  // may name one twice, or one that is gone
  std::vector<Allowlist> allowlists;
  std::string title;
};

struct Targeted {
  Allowlist list;
  std::string place;
};

std::string trimmed(std::string_view text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

[[noreturn]] void refuse(const std::string& place, std::string_view why) {
  throw RulesError(fmt::format("{}: {}", place, why));
}

std::string read_whole(const fs::path& file) {
  std::error_code error;
  std::ifstream in(file, std::ios::binary);
  if (!in || fs::is_directory(file, error))
    throw RulesError(fmt::format("{}: cannot be read", file.string()));
  return {std::istreambuf_iterator<char>(in), {}};
}

class Reader {
 public:
  explicit Reader(const RulesOptions& options) : options_(options) {}

  std::shared_ptr<const Rules> read(std::string_view text, const std::string& name) {
    Draft draft = file(text, name, 0);
    auto rules = std::make_shared<Rules>();
    rules->title = draft.title;
    rules->allowlists = std::move(draft.allowlists);
    rules->warnings = std::move(warnings_);
    std::set<std::string> taken;
    for (const std::string& id : draft.order) {
      const auto found = draft.rules.find(id);
      if (found != draft.rules.end() && taken.insert(id).second)
        rules->rules.push_back(found->second);
    }
    checks_.require_usable(rules->rules);
    target(*rules);
    rules->digest = checks_.run(*rules, Cache(options_.cache));
    enable(*rules);
    return rules;
  }

 private:
  Draft file(std::string_view text, const std::string& name, int depth) {
    const toml::table root = parse_toml(text, name);
    const TomlView view(root, name);
    Draft draft;
    draft.title = view.text("title");
    for (const TomlView& table : view.tables("rules")) {
      Rule made = rule(table);
      draft.order.push_back(made.id);
      draft.rules[made.id] = std::move(made);
    }
    for (const auto& [id, made] : draft.rules)
      for (const Required& required : made.required)
        if (!draft.rules.contains(required.id))
          refuse(made.place, fmt::format("rule \"{}\" requires \"{}\", which is not in this file",
                                         id, required.id));
    if (const std::string version = view.text("minVersion"); !version.empty())
      check_version(version, view.placed("minVersion").place);
    global_allowlists(view, draft, depth);
    if (depth < kDeepestExtension)
      if (const auto extension = view.table("extend")) extend(draft, *extension, depth);
    return draft;
  }

  Rule rule(const TomlView& table) {
    Rule made;
    made.place = table.place();
    made.id = table.text("id");
    made.description = table.text("description");
    const PlacedText regex = table.placed("regex");
    const PlacedText path = table.placed("path");
    made.regex = regex.text;
    made.path = path.text;
    checks_.pattern(regex);
    checks_.pattern(path);
    made.secret_group = table.integer("secretGroup").value_or(0);
    made.entropy = table.number("entropy");
    for (const PlacedText& keyword : table.list("keywords"))
      made.keywords.push_back(to_lower(keyword.text));
    for (const PlacedText& tag : table.list("tags")) made.tags.push_back(tag.text);
    made.skip_report = table.flag("skipReport");
    for (const TomlView& list : allowlist_tables(table, "[rules.allowlist]"))
      made.allowlists.push_back(allowlist(list));
    for (const TomlView& entry : table.tables("required")) {
      Required required{entry.text("id"), entry.integer("withinLines"),
                        entry.integer("withinColumns")};
      if (required.id.empty()) refuse(entry.place(), "a required rule needs an id");
      made.required.push_back(std::move(required));
    }
    return made;
  }

  static std::vector<TomlView> allowlist_tables(const TomlView& table, std::string_view old) {
    std::vector<TomlView> lists = table.tables("allowlists");
    if (const auto single = table.table("allowlist")) {
      if (!lists.empty())
        refuse(single->place(), fmt::format("{} is the old spelling of allowlists, and both are "
                                            "there; keep one",
                                            old));
      lists.push_back(*single);
    }
    return lists;
  }

  Allowlist allowlist(const TomlView& table) {
    Allowlist list;
    list.description = table.text("description");
    const PlacedText condition = table.placed("condition");
    const std::string word = ascii_lower(condition.text);
    if (word == "and" || word == "&&") {
      list.condition = Condition::all;
    } else if (!word.empty() && word != "or" && word != "||") {
      refuse(condition.place,
             fmt::format("unknown condition \"{}\"; use \"and\" or \"or\"", condition.text));
    }
    const PlacedText target = table.placed("regexTarget");
    if (target.text == "match") {
      list.target = Target::match;
    } else if (target.text == "line") {
      list.target = Target::line;
    } else if (!target.text.empty() && target.text != "secret") {
      refuse(target.place, fmt::format("unknown regexTarget \"{}\"; use \"secret\", \"match\" or "
                                       "\"line\"",
                                       target.text));
    }
    for (const PlacedText& commit : table.list("commits"))
      list.commits.insert(trimmed(to_lower(commit.text)));
    list.paths = joined(table.list("paths"));
    list.regexes = joined(table.list("regexes"));
    for (const PlacedText& word_text : table.list("stopwords"))
      list.stopwords.push_back(to_lower(word_text.text));
    std::sort(list.stopwords.begin(), list.stopwords.end());
    list.stopwords.erase(std::unique(list.stopwords.begin(), list.stopwords.end()),
                         list.stopwords.end());
    if (list.commits.empty() && list.paths.empty() && list.regexes.empty() &&
        list.stopwords.empty())
      refuse(table.place(), "an allowlist needs commits, paths, regexes or stopwords");
    return list;
  }

  std::string joined(const std::vector<PlacedText>& patterns) {
    if (patterns.empty()) return "";
    std::string all;
    for (const PlacedText& pattern : patterns) {
      checks_.pattern(pattern);
      all += (all.empty() ? "(?:" : "|") + pattern.text;
    }
    all += ")";
    checks_.pattern({all, patterns.front().place});
    return all;
  }

  void global_allowlists(const TomlView& view, Draft& draft, int depth) {
    for (const TomlView& table : allowlist_tables(view, "[allowlist]")) {
      Allowlist list = allowlist(table);
      const auto targets = table.list("targetRules");
      if (targets.empty()) draft.allowlists.push_back(std::move(list));
      // Those of a file that is extended go nowhere: gitleaks attaches the first file's alone.
      if (depth > 0) continue;
      for (const PlacedText& id : targets)
        targeted_.emplace_back(id.text, Targeted{list, table.place()});
    }
  }

  void extend(Draft& draft, const TomlView& table, int depth) {
    const std::string path = table.text("path");
    const bool use_default = table.flag("useDefault");
    if (!path.empty() && use_default)
      refuse(table.place(), "path and useDefault exclude each other");
    if (path.empty() && !use_default) return;
    const fs::path file_path = use_default ? options_.default_rules : fs::path(path);
    if (file_path.empty()) refuse(table.place(), "there are no default rules to extend");
    std::string text;
    try {
      text = read_whole(file_path);
    } catch (const RulesError&) {
      refuse(table.place(), fmt::format("cannot read {}, which it extends", file_path.string()));
    }
    Draft base = file(text, file_path.string(), depth + 1);
    for (const PlacedText& id : table.list("disabledRules")) {
      if (base.rules.erase(id.text) == 0)
        warnings_.push_back(
            fmt::format("{}: there is no rule \"{}\" to disable", id.place, id.text));
    }
    merge(draft, std::move(base));
  }

  static void merge(Draft& draft, Draft base) {
    for (auto& [id, rule] : base.rules) {
      const auto own = draft.rules.find(id);
      if (own == draft.rules.end()) {
        draft.order.push_back(id);
        draft.rules.emplace(id, std::move(rule));
        continue;
      }
      own->second = overridden(std::move(rule), own->second);
    }
    std::move(base.allowlists.begin(), base.allowlists.end(), std::back_inserter(draft.allowlists));
    std::sort(draft.order.begin(), draft.order.end());
  }

  static Rule overridden(Rule base, const Rule& child) {
    if (!child.description.empty()) base.description = child.description;
    if (child.entropy != 0) base.entropy = child.entropy;
    if (child.secret_group != 0) base.secret_group = child.secret_group;
    if (!child.regex.empty()) base.regex = child.regex;
    if (!child.path.empty()) base.path = child.path;
    base.tags.insert(base.tags.end(), child.tags.begin(), child.tags.end());
    base.keywords.insert(base.keywords.end(), child.keywords.begin(), child.keywords.end());
    base.allowlists.insert(base.allowlists.end(), child.allowlists.begin(), child.allowlists.end());
    base.place = child.place;
    return base;
  }

  void target(Rules& rules) {
    for (const auto& [id, targeted] : targeted_) {
      const auto rule = std::find_if(rules.rules.begin(), rules.rules.end(),
                                     [&, &wanted = id](const Rule& r) { return r.id == wanted; });
      if (rule == rules.rules.end())
        refuse(targeted.place,
               fmt::format("targetRules names \"{}\", and there is no such rule", id));
      rule->allowlists.push_back(targeted.list);
    }
  }

  void enable(Rules& rules) const {
    if (options_.enable.empty()) return;
    for (const std::string& id : options_.enable)
      if (rules.find(id) == nullptr) throw RulesError(fmt::format("there is no rule \"{}\"", id));
    std::erase_if(rules.rules, [&](const Rule& rule) {
      return std::find(options_.enable.begin(), options_.enable.end(), rule.id) ==
             options_.enable.end();
    });
  }

  void check_version(std::string_view version, const std::string& place) {
    std::string_view rest = version;
    if (rest.starts_with('v')) rest.remove_prefix(1);
    int major = 0;
    int minor = 0;
    if (std::sscanf(std::string(rest).c_str(), "%d.%d", &major, &minor) < 1)
      refuse(place, fmt::format("minVersion \"{}\" is no version", version));
    if (major > 8 || (major == 8 && minor > 30))
      warnings_.push_back(
          fmt::format("{}: the rules are for gitleaks {}, and this is the like of "
                      "8.30.1",
                      place, version));
  }

  const RulesOptions& options_;
  RulesCheck checks_;
  std::vector<std::pair<std::string, Targeted>> targeted_;
  std::vector<std::string> warnings_;
};

}  // namespace

const Rule* Rules::find(std::string_view id) const {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.id == id; });
  return found == rules.end() ? nullptr : &*found;
}

std::shared_ptr<const Rules> load_rules_text(std::string_view text, const std::string& name,
                                             const RulesOptions& options) {
  return Reader(options).read(text, name);
}

std::shared_ptr<const Rules> load_rules(const fs::path& file, const RulesOptions& options) {
  return load_rules_text(read_whole(file), file.string(), options);
}

std::shared_ptr<const Rules> find_rules(const fs::path& config, const fs::path& source,
                                        const RulesOptions& options) {
  if (!config.empty()) return load_rules(config, options);
  if (const char* named = std::getenv("GITLEAKS_CONFIG"); named != nullptr && *named != '\0')
    return load_rules(named, options);
  if (const char* text = std::getenv("GITLEAKS_CONFIG_TOML"); text != nullptr && *text != '\0')
    return load_rules_text(text, "GITLEAKS_CONFIG_TOML", options);
  std::error_code error;
  const fs::path own = source / ".gitleaks.toml";
  if (fs::is_directory(source, error) && fs::exists(own, error)) return load_rules(own, options);
  if (options.default_rules.empty()) throw RulesError("there are no default rules");
  return load_rules(options.default_rules, options);
}

}  // namespace fusebox::scan
