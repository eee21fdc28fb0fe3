// SPDX-License-Identifier: Apache-2.0
#include "engine/compiled.hpp"

#include <algorithm>
#include <map>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

bool LazyWordSet::any_in(std::string_view text) const {
  constexpr int few = 64;
  if (asked_.load(std::memory_order_relaxed) < few) {
    asked_.fetch_add(1, std::memory_order_relaxed);
    return std::any_of(words_->begin(), words_->end(), [&](const std::string& word) {
      return !word.empty() && text.find(word) != std::string_view::npos;
    });
  }
  std::call_once(once_, [this] { set_ = std::make_unique<WordSet>(*words_); });
  return set_->any_in(text);
}

Compiled::Compiled(std::shared_ptr<const Rules> rules) : source_(std::move(rules)) {
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::string> words;
  for (const Rule& rule : source_->rules) {
    CompiledRule made;
    made.rule = &rule;
    made.regex = pattern(rule.regex);
    made.path = pattern(rule.path);
    made.allowlists = allowlists_of(rule.allowlists);
    made.is_generic = to_lower(rule.id).find("generic") != std::string::npos;
    for (const std::string& keyword : rule.keywords) {
      const auto [at, is_new] = numbers.emplace(keyword, static_cast<std::uint32_t>(words.size()));
      if (is_new) words.push_back(keyword);
      made.keywords.push_back(at->second);
    }
    rules_.push_back(std::move(made));
  }
  allowlists_ = allowlists_of(source_->allowlists);
  keywords_are_ascii_ = std::all_of(words.begin(), words.end(), is_ascii);
  keywords_ = std::make_unique<WordSet>(words);
}

int Compiled::find(const std::string& id) const {
  for (std::size_t i = 0; i < rules_.size(); ++i)
    if (rules_[i].rule->id == id) return static_cast<int>(i);
  return -1;
}

int Compiled::pattern(const std::string& text) {
  if (text.empty()) return kNoRegex;
  patterns_.push_back(text);
  return static_cast<int>(patterns_.size()) - 1;
}

std::vector<CompiledAllowlist> Compiled::allowlists_of(const std::vector<Allowlist>& lists) {
  std::vector<CompiledAllowlist> made;
  for (const Allowlist& list : lists) {
    CompiledAllowlist one{&list, pattern(list.paths), pattern(list.regexes), -1};
    if (!list.stopwords.empty()) {
      one.stopwords = static_cast<int>(stopwords_.size());
      stopwords_.push_back(std::make_unique<LazyWordSet>(list.stopwords));
    }
    made.push_back(one);
  }
  return made;
}

}  // namespace fusebox::scan
