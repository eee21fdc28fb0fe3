// SPDX-License-Identifier: Apache-2.0
#include "reference.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace secrets_1password;

namespace {

// "text|<reference>|text"
std::string shown(std::string_view value) {
  try {
    std::string out;
    for (const Piece& piece : split_value(value))
      out += (out.empty() ? "" : "|") +
             (piece.is_reference ? "<" + piece.reference.text + ">" : piece.text);
    return out;
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("a value is split into text and references as op inject does") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain", "plain"},
      {"op://v/i/f", "<op://v/i/f>"},
      {"op://v/i/s/f", "<op://v/i/s/f>"},
      {" op://My Vault/An Item/a field ", "<op://My Vault/An Item/a field>"},
      {"op://v/i/one-time password?attribute=otp", "<op://v/i/one-time password?attribute=otp>"},
      {"{{ op://v/i/f }}", "<op://v/i/f>"},
      {"{{op://v/i/f}}", "<op://v/i/f>"},
      {"a{{ op://v/i/f }}b", "a|<op://v/i/f>|b"},
      {"{{ op://v/i/f }}{{ op://v/i/g }}", "<op://v/i/f>|<op://v/i/g>"},
      {"postgresql://u:op://v/i/f@host/db", "postgresql://u:|<op://v/i/f>|@host/db"},
      {"op://v/i/f#x", "<op://v/i/f>|#x"},
      {"xop://v/i/f", "xop://v/i/f"},
      {"-op://v/i/f", "-op://v/i/f"},
      {R"(a {{ "{{ \"q\" }" }} b)", "a {{ \"q\" } b"},
      {"https://host/op", "https://host/op"}};
  for (const auto& [value, expected] : cases) {
    CAPTURE(value);
    CHECK(shown(value) == expected);
  }
}

TEST_CASE("a reference that cannot be one is refused, and the message says what to write") {
  CHECK(shown("op://v/i") ==
        "\"op://v/i\" needs a vault, an item and a field: op://vault/item/field or "
        "op://vault/item/section/field");
  CHECK(shown("op://v/i/s/f/x").find("needs a vault, an item and a field") != std::string::npos);
  CHECK(shown("op://v//f") == "\"op://v//f\" has an empty part between two slashes");
  CHECK(shown("op:// /i/f") == "\"op:// /i/f\" has an empty part between two slashes");
  CHECK(
      shown("{{ op://v/i(1)/f }}") ==
      "\"op://v/i(1)/f\" holds a character that no reference can hold (letters, digits, - _ . and "
      "space can be): use the ID of that vault, item or field instead of its name");
  CHECK(shown("{{ op://v/i/f") == "{{ is never closed by }}");
  CHECK(shown("{{ v/i/f }}") == "between {{ and }} there must be a reference or a quoted text");
}

TEST_CASE("the parts of a reference are told apart") {
  const Reference reference = parse_reference("op://Prod/langfuse/db/password?attribute=value");
  CHECK(reference.vault == "Prod");
  CHECK(reference.item == "langfuse");
  CHECK(reference.field == "password");
  CHECK_THROWS_AS(parse_reference("v/i/f"), std::invalid_argument);
}
