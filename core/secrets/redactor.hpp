// SPDX-License-Identifier: Apache-2.0
// Takes secret values out of text before anyone sees it.
#pragma once

#include "secrets/store.hpp"

#include <string>
#include <string_view>

namespace fusebox::secrets {

// Replaces every occurrence of every stored value, and of its base64 (all three alignments,
// standard and URL alphabet), URL-encoded and JSON-escaped forms, by "[redacted:NAME]".
// Values under 6 bytes would hide ordinary words, so only whole-word matches of them count.
class Redactor {
 public:
  explicit Redactor(const Store& store) : store_(store) {}
  std::string redact(std::string_view text) const;

 private:
  const Store& store_;
};

}  // namespace fusebox::secrets
