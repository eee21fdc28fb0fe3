// SPDX-License-Identifier: Apache-2.0
// Rules made ready for matching. Shared by all threads, and never changed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/rules.hpp"
#include "engine/word_set.hpp"

namespace fusebox::scan {

inline constexpr int kNoRegex = -1;

struct CompiledAllowlist {
  const Allowlist* list = nullptr;
  int paths = kNoRegex;  // numbers of patterns
  int regexes = kNoRegex;
  int stopwords = -1;  // number of a word set
};

struct CompiledRule {
  const Rule* rule = nullptr;
  int regex = kNoRegex;
  int path = kNoRegex;
  std::vector<CompiledAllowlist> allowlists;
  std::vector<std::uint32_t> keywords;  // numbers of words in keyword_set
  bool is_generic = false;              // gives way to a rule that knows more
};

// A word set that is made once it was asked often: for a few texts it costs more than it saves.
class LazyWordSet {
 public:
  explicit LazyWordSet(const std::vector<std::string>& words) : words_(&words) {}
  // `text` is in lower case.
  bool any_in(std::string_view text) const;

 private:
  const std::vector<std::string>* words_;
  mutable std::atomic<int> asked_{0};
  mutable std::once_flag once_;
  mutable std::unique_ptr<WordSet> set_;
};

class Compiled {
 public:
  explicit Compiled(std::shared_ptr<const Rules> rules);

  const Rules& source() const { return *source_; }
  const std::vector<CompiledRule>& rules() const { return rules_; }
  const std::vector<CompiledAllowlist>& allowlists() const { return allowlists_; }
  const std::vector<std::string>& patterns() const { return patterns_; }
  const WordSet& keywords() const { return *keywords_; }
  bool keywords_are_ascii() const { return keywords_are_ascii_; }
  const LazyWordSet& stopwords(int number) const {
    return *stopwords_[static_cast<std::size_t>(number)];
  }
  // The number of the rule `id` in rules(), or -1.
  int find(const std::string& id) const;

 private:
  int pattern(const std::string& text);
  std::vector<CompiledAllowlist> allowlists_of(const std::vector<Allowlist>& lists);

  std::shared_ptr<const Rules> source_;
  std::vector<CompiledRule> rules_;
  std::vector<CompiledAllowlist> allowlists_;
  std::vector<std::string> patterns_;
  std::unique_ptr<WordSet> keywords_;
  bool keywords_are_ascii_ = true;
  std::vector<std::unique_ptr<LazyWordSet>> stopwords_;
};

}  // namespace fusebox::scan
