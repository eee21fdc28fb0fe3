// SPDX-License-Identifier: Apache-2.0
// What the samples are made of. No text here has the shape of a secret: a pattern in braces stands
// for what is drawn when samples are made.
//
//   {n36}      36 of an alphabet; {n20-32} 20 to 32 of it; {n20+} at least 20
//   {a|b|}     one of the alternatives; {a} is a
//   {uuid}     a UUID
//   {{ and }}  a brace
//   A | B      the whole is one of several (tokens only)
//
// Alphabets: d digits, h and x hex digits (lower; both cases), l lower case and digits, u upper
// case and digits, n letters and digits, a letters, t base 32, c Bech32, b base 64, k base 64 of
// both kinds and =, w and o words with and without -, e words with = and -, p the same and dots, %
// letters, digits and %, z zeros.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace fusebox::samples {

struct Token {
  std::string_view rule;
  std::string_view name;  // of a variable that holds it
  std::string_view pattern;
};

// Secrets with a context of their own: whole files.
struct Text {
  std::string_view rule;
  std::string_view file;  // its name; "" where it does not matter
  std::vector<std::string_view> leaks;
  std::vector<std::string_view> harmless;  // found by no rule
};

std::span<const Token> self_telling();  // found wherever they stand
std::span<const Token> named();         // found beside a name
std::span<const Token> settings();      // of a Langfuse stack, known by their name; any value
std::span<const Token> urls();          // the pattern is the scheme
std::span<const Text> texts();

}  // namespace fusebox::samples
