// SPDX-License-Identifier: Apache-2.0
// Secret references, op://vault/item/[section/]field, and values that hold some.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace secrets_1password {

struct Reference {
  std::string text;  // as it stands: op://Prod/langfuse/salt
  std::string vault;
  std::string item;
  std::string field;  // without the section
};

// Throws std::invalid_argument that says what is wrong with it.
Reference parse_reference(std::string_view text);

// A value in pieces: text as it is, and what 1Password has to fill in.
struct Piece {
  bool is_reference = false;
  std::string text;     // the literal text, when it is no reference
  Reference reference;  // when it is
};
using Pieces = std::vector<Piece>;

// Finds references the way `op inject` does: enclosed, {{ op://a/b/c }}, and bare, up to the first
// character that cannot be in one. A value that begins with op:// and could be one reference as a
// whole, spaces included, is one. Throws std::invalid_argument.
Pieces split_value(std::string_view value);

}  // namespace secrets_1password
