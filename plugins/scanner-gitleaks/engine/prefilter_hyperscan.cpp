// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <hs/hs.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "engine/prefilter.hpp"
#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace {

constexpr char kOneRune = '\xFF';
constexpr char32_t kKelvin = 0x212A;  // matches k where case does not count
constexpr char32_t kLongS = 0x017F;   // likewise s

struct FreeDatabase {
  void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};
using DatabasePtr = std::unique_ptr<hs_database_t, FreeDatabase>;

// Of what stands behind \x: two digits, or any number of them in braces.
bool is_ascii_number(std::string_view digits) {
  digits = digits.starts_with('{') ? digits.substr(1, digits.find('}') - 1) : digits.substr(0, 2);
  unsigned value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, 16);
  return result.ec == std::errc() && result.ptr == end && value < 0x80U;
}

// The library matches bytes and RE2 matches characters. They agree on a text of one byte per
// character, if the expression itself names no character beyond ASCII.
bool names_ascii_only(std::string_view pattern) {
  if (!is_ascii(pattern) || pattern.find("(?<") != std::string_view::npos) return false;
  for (std::size_t at = pattern.find('\\'); at != std::string_view::npos;
       at = pattern.find('\\', at + 2)) {
    const std::string_view escape = pattern.substr(at + 1);
    if (escape.starts_with('p') || escape.starts_with('P')) return false;
    if (escape.starts_with('x') && !is_ascii_number(escape.substr(1))) return false;
  }
  return true;
}

constexpr unsigned kFlags = HS_FLAG_PREFILTER | HS_FLAG_SINGLEMATCH;

bool compiles(const std::string& pattern) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  const bool good = hs_expression_info(pattern.c_str(), kFlags, &info, &error) == HS_SUCCESS;
  hs_free_compile_error(error);
  std::free(info);
  return good;
}

std::string cache_name(const Compiled& rules) {
  hs_platform_info_t platform{};
  hs_populate_platform(&platform);
  const std::string key = fmt::format("2 {} {} {} {}", hs_version(), platform.tune,
                                      platform.cpu_features, rules.source().digest);
  std::string ids;  // a choice of rules has the digest of all
  for (const CompiledRule& rule : rules.rules()) ids += rule.rule->id + "\n";
  return sha256_hex(key + ids) + ".prefilter";
}

}  // namespace

struct Prefilter::Database {
  DatabasePtr handle;
};

Prefilter::Prefilter() = default;
Prefilter::~Prefilter() = default;

// Kept as one digit per rule, a line feed, and the library's own form.
std::shared_ptr<const Prefilter> Prefilter::load(const Compiled& rules, const Cache& cache) {
  if (hs_valid_platform() != HS_SUCCESS) return nullptr;
  const auto bytes = cache.get(cache_name(rules));
  const std::size_t count = rules.rules().size();
  if (!bytes || bytes->size() <= count || (*bytes)[count] != '\n') return nullptr;
  auto made = std::make_shared<Prefilter>();
  for (std::size_t i = 0; i < count; ++i) made->known_.push_back((*bytes)[i] == '1');
  hs_database_t* handle = nullptr;
  if (hs_deserialize_database(bytes->data() + count + 1, bytes->size() - count - 1, &handle) !=
      HS_SUCCESS)
    return nullptr;
  made->database_ = std::make_unique<Database>(Database{DatabasePtr(handle)});
  return made;
}

std::shared_ptr<const Prefilter> Prefilter::build(const Compiled& rules, const Cache& cache) {
  if (hs_valid_platform() != HS_SUCCESS) return nullptr;
  auto made = std::make_shared<Prefilter>();
  std::vector<const char*> patterns;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::string bytes;
  for (const CompiledRule& rule : rules.rules()) {
    const bool is_known =
        rule.regex != kNoRegex && names_ascii_only(rule.rule->regex) && compiles(rule.rule->regex);
    if (is_known) {
      patterns.push_back(rule.rule->regex.c_str());
      flags.push_back(kFlags);
      ids.push_back(static_cast<unsigned>(made->known_.size()));
    }
    made->known_.push_back(is_known);
    bytes += is_known ? '1' : '0';
  }
  if (patterns.empty()) return nullptr;
  hs_database_t* handle = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t rc = hs_compile_multi(patterns.data(), flags.data(), ids.data(),
                                         static_cast<unsigned>(patterns.size()), HS_MODE_BLOCK,
                                         nullptr, &handle, &error);
  hs_free_compile_error(error);
  if (rc != HS_SUCCESS) return nullptr;
  made->database_ = std::make_unique<Database>(Database{DatabasePtr(handle)});
  char* serialized = nullptr;
  std::size_t length = 0;
  if (hs_serialize_database(handle, &serialized, &length) == HS_SUCCESS) {
    bytes += '\n';
    bytes.append(serialized, length);
    std::free(serialized);
    cache.put(cache_name(rules), bytes);
  }
  return made;
}

struct Prefilter::Scratch::Memory {
  std::unique_ptr<hs_scratch_t, FreeScratch> handle;
};

Prefilter::Scratch::Scratch(std::shared_ptr<const Prefilter> prefilter)
    : prefilter_(std::move(prefilter)), memory_(std::make_unique<Memory>()) {
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(prefilter_->database_->handle.get(), &scratch) == HS_SUCCESS)
    memory_->handle.reset(scratch);
}

Prefilter::Scratch::~Scratch() = default;

// One byte per character. False where two characters beyond ASCII are letters of it, too.
bool Prefilter::Scratch::compact(std::string_view text) {
  compacted_.clear();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = ascii_run(text, at);
    compacted_.append(text.substr(at, end - at));
    if (end == text.size()) break;
    const Rune rune = first_rune(text.substr(end));
    if (rune.value == kKelvin || rune.value == kLongS) return false;
    compacted_.push_back(kOneRune);
    at = end + rune.size;
  }
  return true;
}

bool Prefilter::Scratch::find(std::string_view text, bool is_ascii, std::vector<bool>& candidates) {
  constexpr char vertical_tab = '\v';  // \s to the library, and not to RE2
  if (memory_->handle == nullptr || text.size() > UINT32_MAX ||
      std::memchr(text.data(), vertical_tab, text.size()) != nullptr)
    return false;
  if (!is_ascii) {
    if (!compact(text)) return false;
    text = compacted_;
  }
  candidates.assign(prefilter_->known_.size(), false);
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned,
                           void* context) {
    (*static_cast<std::vector<bool>*>(context))[id] = true;
    return 0;
  };
  return hs_scan(prefilter_->database_->handle.get(), text.data(),
                 static_cast<unsigned>(text.size()), 0, memory_->handle.get(), on_match,
                 &candidates) == HS_SUCCESS;
}

}  // namespace fusebox::scan
