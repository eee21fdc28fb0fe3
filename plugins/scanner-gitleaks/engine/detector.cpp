// SPDX-License-Identifier: Apache-2.0
#include "engine/detector.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "engine/link.hpp"

namespace fusebox::scan {

namespace {

constexpr std::string_view kAllowComment = "gitleaks:allow";
constexpr std::size_t kLongestLine = 4096;  // of a finding; lists see all of it
constexpr std::size_t kMegabyte = 1'000'000;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

const std::string& sha_of(const Fragment& fragment) {
  static const std::string none;
  return fragment.commit == nullptr ? none : fragment.commit->sha;
}

bool holds_commit(const Allowlist& list, const std::string& sha) {
  return !sha.empty() && !list.commits.empty() && list.commits.contains(to_lower(sha));
}

}  // namespace

// One pass over a fragment: first as it is, then with ever more of it decoded.
struct Detector::Pass {
  const Fragment& fragment;
  const Subject& subject;
  std::shared_ptr<const Decoded> decoded;          // null in the first pass
  std::optional<std::vector<std::size_t>>& feeds;  // of the fragment, once they are asked for
};

Detector::Detector(const Compiled& rules, DetectorOptions options)
    : rules_(rules), options_(std::move(options)), regexes_(rules.patterns()) {}

Detector::~Detector() = default;

void Detector::use(std::shared_ptr<const Prefilter> prefilter) {
  scratch_.reset();
  if (prefilter != nullptr) scratch_ = std::make_unique<Prefilter::Scratch>(std::move(prefilter));
}

bool Detector::is_own(const Fragment& fragment) {
  return !fragment.path.empty() && std::find(options_.own_files.begin(), options_.own_files.end(),
                                             fragment.path) != options_.own_files.end();
}

void Detector::detect(const Fragment& fragment, std::vector<Finding>& found) {
  if (is_own(fragment) || allows_place(rules_.allowlists(), fragment)) return;
  const std::size_t first = found.size();
  std::optional<std::vector<std::size_t>> feeds;
  std::shared_ptr<const Decoded> decoded;
  for (int depth = 0;; ++depth) {
    const std::string_view text = decoded == nullptr ? fragment.raw : decoded->text;
    const Subject subject(text);
    Pass pass{fragment, subject, decoded, feeds};
    scan(pass, found);
    if (depth >= options_.max_decode_depth) break;
    decoded = decode_pass(text, decoded);
    if (decoded == nullptr) break;
  }
  settle(found, first, rules_, options_.redact);
}

void Detector::scan(Pass& pass, std::vector<Finding>& found) {
  choose_rules(pass);
  for (std::size_t i = 0; i < candidates_.size(); ++i)
    if (candidates_[i]) detect_rule(pass, i, false, found);
}

// A rule is tried when one of its keywords is anywhere in the text, or it has none.
void Detector::choose_rules(const Pass& pass) {
  const auto& rules = rules_.rules();
  if (scratch_ == nullptr || !scratch_->find(pass.subject.raw(), pass.subject.ascii(), candidates_))
    return choose_by_keyword(pass);
  bool is_searched = false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!scratch_->knows(i)) candidates_[i] = true;
    if (!candidates_[i] || rules[i].keywords.empty()) continue;
    if (!is_searched) is_searched = find_keywords(pass);
    candidates_[i] = has_keyword(rules[i]);
  }
}

void Detector::choose_by_keyword(const Pass& pass) {
  const auto& rules = rules_.rules();
  find_keywords(pass);
  candidates_.assign(rules.size(), false);
  for (std::size_t i = 0; i < rules.size(); ++i)
    candidates_[i] = rules[i].keywords.empty() || has_keyword(rules[i]);
}

bool Detector::find_keywords(const Pass& pass) {
  constexpr std::string_view kelvin = "\xE2\x84\xAA";  // the lower case of these is ASCII
  constexpr std::string_view dotted_i = "\xC4\xB0";
  const std::string_view text = pass.subject.raw();
  const bool is_plain = pass.subject.ascii() || (rules_.keywords_are_ascii() &&
                                                 text.find(kelvin) == std::string_view::npos &&
                                                 text.find(dotted_i) == std::string_view::npos);
  rules_.keywords().find(is_plain ? text : std::string_view(to_lower(text)), keywords_);
  return true;
}

bool Detector::has_keyword(const CompiledRule& rule) const {
  return std::any_of(rule.keywords.begin(), rule.keywords.end(),
                     [&](std::uint32_t keyword) { return keywords_[keyword]; });
}

void Detector::detect_rule(Pass& pass, std::size_t number, bool is_required,
                           std::vector<Finding>& found) {
  const CompiledRule& rule = rules_.rules()[number];
  if (rule.rule->skip_report && !is_required) return;
  if (!rule.allowlists.empty() && allows_place(rule.allowlists, pass.fragment)) return;
  if (!path_applies(pass, rule, found) || rule.regex == kNoRegex) return;
  if (options_.max_target_megabytes > 0 &&
      pass.subject.raw().size() / kMegabyte >
          static_cast<std::size_t>(options_.max_target_megabytes))
    return;
  const bool is_complete = is_required || rule.rule->required.empty();
  std::vector<Finding> primary;
  for_each_match(regexes_.at(rule.regex), pass.subject,
                 [&](Span span) { take_match(pass, rule, span, is_complete ? found : primary); });
  if (!primary.empty()) keep_complete(pass, rule, primary, found);
}

// False: the rule is not for this path. A rule of a path alone has found something by that.
bool Detector::path_applies(Pass& pass, const CompiledRule& rule, std::vector<Finding>& found) {
  if (rule.path == kNoRegex) return true;
  const Fragment& fragment = pass.fragment;
  if (!matches(regexes_.at(rule.path), fragment.path)) return false;
  if (rule.regex != kNoRegex || pass.decoded != nullptr) return true;
  Finding finding;
  finding.rule_id = rule.rule->id;
  finding.description = rule.rule->description;
  finding.file = fragment.path;
  finding.symlink_file = fragment.symlink;
  finding.match = "file detected: " + fragment.path;
  finding.tags = rule.rule->tags;
  describe_commit(finding, fragment, options_.remote.get());
  found.push_back(std::move(finding));
  return false;
}

void Detector::take_match(Pass& pass, const CompiledRule& rule, Span span,
                          std::vector<Finding>& found) {
  const Fragment& fragment = pass.fragment;
  const std::string_view match =
      trimmed(pass.subject.raw().substr(span.begin, span.end - span.begin));
  std::vector<std::string> tags;
  std::string_view line;
  if (pass.decoded != nullptr) {
    const auto segments = overlapping(*pass.decoded, span);
    if (segments.empty()) return;  // an earlier pass had it
    tags = tags_of(segments);
    line = line_around(*pass.decoded, segments);
    span = original_span(*pass.decoded, segments, span);
  } else {
    span.end = span.begin + match.size();
  }
  if (!pass.feeds) pass.feeds = line_feeds(fragment.raw);
  const Location location = locate(*pass.feeds, fragment.raw, span);
  const std::string_view lines =
      fragment.raw.substr(location.line.begin, location.line.end - location.line.begin);
  if (!options_.ignore_allow_comments && lines.find(kAllowComment) != std::string_view::npos)
    return;
  if (line.empty()) line = lines;

  Finding finding;
  finding.rule_id = rule.rule->id;
  finding.description = rule.rule->description;
  finding.start_line = fragment.start_line + location.start_line;
  finding.end_line = fragment.start_line + location.end_line;
  finding.start_column = location.start_column;
  finding.end_column = location.end_column;
  finding.match = match;
  finding.file = fragment.path;
  finding.symlink_file = fragment.symlink;
  take_secret(rule, finding);
  const double entropy = finding.secret.empty() ? 0 : shannon_entropy(finding.secret);
  if (rule.rule->entropy != 0 && entropy <= rule.rule->entropy) return;
  finding.entropy = static_cast<float>(entropy);
  if (allows_finding(rules_.allowlists(), pass, finding, line) ||
      allows_finding(rule.allowlists, pass, finding, line))
    return;
  if (lines.size() <= kLongestLine) finding.line = lines;
  finding.tags = rule.rule->tags;
  finding.tags.insert(finding.tags.end(), tags.begin(), tags.end());
  describe_commit(finding, fragment, options_.remote.get());
  found.push_back(std::move(finding));
}

// Matches the expression again, on the match alone: anchors and boundaries now see its ends.
void Detector::take_secret(const CompiledRule& rule, Finding& finding) {
  finding.secret = finding.match;
  const Subject subject(finding.match);
  const auto groups = first_groups(regexes_.at(rule.regex), subject);
  if (groups.size() < 2) return;
  if (rule.rule->secret_group > 0) {
    finding.secret = groups[static_cast<std::size_t>(rule.rule->secret_group)];
    return;
  }
  const auto first = std::find_if(groups.begin() + 1, groups.end(),
                                  [](std::string_view group) { return !group.empty(); });
  if (first != groups.end()) finding.secret = *first;
}

// Of a rule that requires others: what has each of them near enough.
void Detector::keep_complete(Pass& pass, const CompiledRule& rule, std::vector<Finding>& primary,
                             std::vector<Finding>& found) {
  std::vector<std::vector<Finding>> others;
  for (const Required& required : rule.rule->required) {
    others.emplace_back();
    const int number = rules_.find(required.id);
    if (number >= 0) detect_rule(pass, static_cast<std::size_t>(number), true, others.back());
  }
  for (Finding& finding : primary) {
    bool has_all = true;
    for (std::size_t i = 0; i < others.size() && has_all; ++i) {
      const Required& required = rule.rule->required[i];
      has_all = std::any_of(others[i].begin(), others[i].end(), [&](const Finding& other) {
        return std::abs(finding.start_line - other.start_line) <=
                   required.within_lines.value_or(INT64_MAX) &&
               std::abs(finding.start_column - other.start_column) <=
                   required.within_columns.value_or(INT64_MAX);
      });
    }
    if (has_all) found.push_back(std::move(finding));
  }
}

bool Detector::path_matches(const CompiledAllowlist& list, const std::string& path) {
  return list.paths != kNoRegex && !path.empty() && matches(regexes_.at(list.paths), path);
}

bool Detector::skips_path(const std::string& path) {
  return std::any_of(rules_.allowlists().begin(), rules_.allowlists().end(),
                     [&](const CompiledAllowlist& list) { return path_matches(list, path); });
}

bool Detector::allows_place(const std::vector<CompiledAllowlist>& lists, const Fragment& fragment) {
  const std::string& sha = sha_of(fragment);
  for (const CompiledAllowlist& list : lists) {
    const bool has_commit = holds_commit(*list.list, sha);
    if (list.list->condition == Condition::any) {
      if (has_commit || path_matches(list, fragment.path)) return true;
      continue;
    }
    if (list.regexes != kNoRegex || list.stopwords >= 0) continue;  // the finding decides
    if (fragment.path.empty() && sha.empty()) continue;
    if (!list.list->commits.empty() && !has_commit) continue;
    if (list.paths != kNoRegex && !path_matches(list, fragment.path)) continue;
    return true;
  }
  return false;
}

bool Detector::allows_finding(const std::vector<CompiledAllowlist>& lists, const Pass& pass,
                              const Finding& finding, std::string_view line) {
  for (const CompiledAllowlist& list : lists) {
    const bool needs_all = list.list->condition == Condition::all;
    if (needs_all) {
      if (!list.list->commits.empty() && !holds_commit(*list.list, sha_of(pass.fragment))) continue;
      if (list.paths != kNoRegex && !path_matches(list, pass.fragment.path)) continue;
    }
    std::string_view target = finding.secret;
    if (list.list->target == Target::match) target = finding.match;
    if (list.list->target == Target::line) target = line;
    const auto by_regex = [&] {
      return !target.empty() && matches(regexes_.at(list.regexes), target);
    };
    const auto by_word = [&] {
      return rules_.stopwords(list.stopwords).any_in(to_lower(finding.secret));
    };
    if (needs_all) {
      if (list.regexes != kNoRegex && !by_regex()) continue;
      if (list.stopwords >= 0 && !by_word()) continue;
      return true;
    }
    if ((list.regexes != kNoRegex && by_regex()) || (list.stopwords >= 0 && by_word())) return true;
  }
  return false;
}

}  // namespace fusebox::scan
