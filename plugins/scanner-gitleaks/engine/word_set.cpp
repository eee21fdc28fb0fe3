// SPDX-License-Identifier: Apache-2.0
#include "engine/word_set.hpp"

#include <deque>

namespace fusebox::scan {

WordSet::WordSet(std::span<const std::string> words) {
  for (const std::string& word : words) {
    for (const char c : word) {
      auto& known = class_of_[static_cast<unsigned char>(c)];
      if (known == 0) known = static_cast<std::uint8_t>(classes_++);
    }
  }
  for (unsigned c = 'A'; c <= 'Z'; ++c)
    if (class_of_[c] == 0) class_of_[c] = class_of_[c - 'A' + 'a'];
  add_words(words);
  link();
}

void WordSet::add_words(std::span<const std::string> words) {
  std::size_t letters = 1;
  for (const std::string& word : words) letters += word.size();
  next_.reserve(letters * classes_);
  next_.assign(classes_, 0);
  ends_.assign(1, 0);
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    same_.push_back(i);
    if (words[i].empty()) continue;
    std::uint32_t state = 0;
    for (const char c : words[i]) {
      const std::size_t slot = state * classes_ + class_of_[static_cast<unsigned char>(c)];
      if (next_[slot] == 0) {
        const auto fresh = static_cast<std::uint32_t>(ends_.size());
        next_[slot] = fresh;
        next_.resize(next_.size() + classes_, 0);
        ends_.push_back(0);
      }
      state = next_[slot];
    }
    if (ends_[state] == 0) ends_[state] = i + 1;
    same_[i] = ends_[state] - 1;
  }
}

// Turns the trie into an automaton, breadth first.
void WordSet::link() {
  std::vector<std::uint32_t> suffix(ends_.size(), 0);
  more_.assign(ends_.size(), 0);
  hit_.assign(ends_.size(), false);
  std::deque<std::uint32_t> queue;
  for (std::uint32_t c = 0; c < classes_; ++c)
    if (next_[c] != 0) queue.push_back(next_[c]);
  while (!queue.empty()) {
    const std::uint32_t state = queue.front();
    queue.pop_front();
    const std::uint32_t shorter = suffix[state];
    more_[state] = ends_[shorter] != 0 ? shorter : more_[shorter];
    hit_[state] = ends_[state] != 0 || more_[state] != 0;
    for (std::uint32_t c = 0; c < classes_; ++c) {
      std::uint32_t& child = next_[state * classes_ + c];
      const std::uint32_t fallback = next_[shorter * classes_ + c];
      if (child == 0) {
        child = fallback;
      } else {
        suffix[child] = fallback;
        queue.push_back(child);
      }
    }
  }
}

bool WordSet::any_in(std::string_view text) const {
  std::uint32_t state = 0;
  for (const char c : text) {
    state = step(state, c);
    if (hit_[state]) return true;
  }
  return false;
}

void WordSet::find(std::string_view text, std::vector<bool>& found) const {
  found.assign(same_.size(), false);
  std::uint32_t state = 0;
  for (const char c : text) {
    state = step(state, c);
    if (!hit_[state]) continue;
    for (std::uint32_t at = state; at != 0; at = more_[at])
      if (ends_[at] != 0) found[ends_[at] - 1] = true;
  }
  for (std::size_t i = 0; i < same_.size(); ++i) found[i] = found[same_[i]];
}

}  // namespace fusebox::scan
