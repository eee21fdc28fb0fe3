// SPDX-License-Identifier: Apache-2.0
// Finds secret values in text, in every form they are likely to take. Internal to the room.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "secrets/locked_heap.hpp"

namespace fusebox::secrets {

// A form of a value that is looked for literally. `before` and `after` are characters beside it
// that hold some bits of the value too.
struct Form {
  LockedHeap::Block text;
  std::uint8_t before = 0;
  std::uint8_t after = 0;
};

// One secret, with all that is derived from it, in locked memory.
struct Secret {
  std::string name;
  LockedHeap::Block value;
  std::vector<Form> forms;

  std::string_view view() const { return {value.data(), value.size()}; }
};

// Under this many bytes a value is matched as a whole word only.
inline constexpr std::size_t short_value = 6;

std::shared_ptr<const Secret> make_secret(LockedHeap& heap, std::string_view name,
                                          std::string_view value);

struct Match {
  std::size_t begin;
  std::size_t end;
  const Secret* secret;
};

// Immutable; shared by threads.
class Matcher {
 public:
  Matcher(LockedHeap& heap, std::vector<std::shared_ptr<const Secret>> secrets);

  // By place, without overlaps: of two that do overlap, one match under the longer one's name.
  std::vector<Match> find(std::string_view text) const;

 private:
  struct Literal {
    std::string_view text;
    std::uint8_t before;
    std::uint8_t after;
    const Secret* secret;
  };

  void add_literal(std::string_view text, std::uint8_t before, std::uint8_t after,
                   const Secret& secret);
  void find_literals(std::string_view text, std::vector<Match>& matches) const;
  void find_escaped(std::string_view text, std::vector<Match>& matches) const;
  void find_words(std::string_view text, std::vector<Match>& matches) const;

  std::vector<std::shared_ptr<const Secret>> secrets_;
  std::vector<Literal> literals_;
  LockedHeap::Block filter_;  // a bit per hash of a literal's first four bytes
  std::array<std::vector<std::uint32_t>, 256> by_hash_;   // literals
  std::array<std::vector<const Secret*>, 256> by_first_;  // secrets, by their first byte
  std::vector<const Secret*> words_;                      // the short ones
};

}  // namespace fusebox::secrets
