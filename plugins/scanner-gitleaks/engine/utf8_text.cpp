// SPDX-License-Identifier: Apache-2.0
#include "engine/utf8_text.hpp"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace fusebox::scan {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::uint64_t kHighBits = 0x8080808080808080U;

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0U) == 0x80U;
}

::locale_t unicode() {
  static const ::locale_t locale = [] {
    ::locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return made != nullptr ? made : ::newlocale(LC_CTYPE_MASK, "en_US.UTF-8", nullptr);
  }();
  return locale;
}

}  // namespace

Rune first_rune(std::string_view text) {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80U) return {lead, 1, true};
  if (lead >= 0xC2U && lead <= 0xDFU && continues(text, 1))
    return {((lead & 0x1FU) << 6U) | (byte_at(text, 1) & 0x3FU), 2, true};
  if (lead >= 0xE0U && lead <= 0xEFU && continues(text, 1) && continues(text, 2)) {
    const char32_t value =
        ((lead & 0x0FU) << 12U) | ((byte_at(text, 1) & 0x3FU) << 6U) | (byte_at(text, 2) & 0x3FU);
    if (value >= 0x800U && (value < 0xD800U || value > 0xDFFFU)) return {value, 3, true};
  }
  if (lead >= 0xF0U && lead <= 0xF4U && continues(text, 1) && continues(text, 2) &&
      continues(text, 3)) {
    const char32_t value = ((lead & 0x07U) << 18U) | ((byte_at(text, 1) & 0x3FU) << 12U) |
                           ((byte_at(text, 2) & 0x3FU) << 6U) | (byte_at(text, 3) & 0x3FU);
    if (value >= 0x10000U && value <= 0x10FFFFU) return {value, 4, true};
  }
  return {};
}

void append_rune(std::string& text, char32_t rune) {
  if ((rune >= 0xD800U && rune <= 0xDFFFU) || rune > 0x10FFFFU) rune = 0xFFFDU;
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (rune < 0x80U) return put(rune);
  if (rune < 0x800U) {
    put(0xC0U | (rune >> 6U));
  } else {
    if (rune < 0x10000U) {
      put(0xE0U | (rune >> 12U));
    } else {
      put(0xF0U | (rune >> 18U));
      put(0x80U | ((rune >> 12U) & 0x3FU));
    }
    put(0x80U | ((rune >> 6U) & 0x3FU));
  }
  put(0x80U | (rune & 0x3FU));
}

std::size_t ascii_run(std::string_view text, std::size_t at) {
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & kHighBits) != 0) break;
  }
  while (at < text.size() && byte_at(text, at) < 0x80U) ++at;
  return at;
}

bool is_ascii(std::string_view text) { return ascii_run(text, 0) == text.size(); }

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string to_lower(std::string_view text) {
  std::string lower = ascii_lower(text);
  if (is_ascii(text)) return lower;
  lower.clear();
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    if (rune.value < 0x80U) {
      lower += ascii_lower(text.substr(0, 1));
    } else {
      append_rune(lower,
                  static_cast<char32_t>(::towlower_l(static_cast<wint_t>(rune.value), unicode())));
    }
    text.remove_prefix(rune.size);
  }
  return lower;
}

Subject::Subject(std::string_view raw) : raw_(raw) {
  std::size_t done = 0;  // of raw, already in copy_
  for (std::size_t at = ascii_run(raw, 0); at < raw.size(); at = ascii_run(raw, at)) {
    ascii_ = false;
    const Rune rune = first_rune(raw.substr(at));
    if (!rune.valid) {
      copy_.append(raw.substr(done, at - done));
      replaced_.push_back(copy_.size());
      copy_.append(kReplacement);
      done = at + 1;
    }
    at += rune.size;
  }
  if (!replaced_.empty()) copy_.append(raw.substr(done));
}

std::size_t Subject::to_raw(std::size_t at) const {
  const auto before = std::lower_bound(replaced_.begin(), replaced_.end(), at) - replaced_.begin();
  return at - static_cast<std::size_t>(before) * (kReplacement.size() - 1);
}

}  // namespace fusebox::scan
