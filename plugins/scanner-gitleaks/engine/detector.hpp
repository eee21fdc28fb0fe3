// SPDX-License-Identifier: Apache-2.0
// Finds the secrets of one fragment after another. One per thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/codec.hpp"
#include "engine/compiled.hpp"
#include "engine/finding.hpp"
#include "engine/fragment.hpp"
#include "engine/location.hpp"
#include "engine/prefilter.hpp"
#include "engine/regex.hpp"
#include "engine/utf8_text.hpp"

namespace fusebox::scan {

struct DetectorOptions {
  int max_decode_depth = 5;
  int max_target_megabytes = 0;
  bool ignore_allow_comments = false;
  unsigned redact = 0;
  std::vector<std::string> own_files;  // paths that are never scanned: the rules and the baseline
  std::shared_ptr<const Remote> remote;
};

class Detector {
 public:
  Detector(const Compiled& rules, DetectorOptions options);
  ~Detector();
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  // From the next fragment on. Null: without.
  void use(std::shared_ptr<const Prefilter> prefilter);
  bool has_prefilter() const { return scratch_ != nullptr; }

  // Adds what the fragment holds. Without fingerprints.
  void detect(const Fragment& fragment, std::vector<Finding>& found);

  // Whether a walk leaves out the file or folder: any list's paths do, whatever its condition.
  bool skips_path(const std::string& path);

 private:
  struct Pass;

  void scan(Pass& pass, std::vector<Finding>& found);
  void choose_rules(const Pass& pass);
  void choose_by_keyword(const Pass& pass);
  bool find_keywords(const Pass& pass);
  bool has_keyword(const CompiledRule& rule) const;
  void detect_rule(Pass& pass, std::size_t number, bool is_required, std::vector<Finding>& found);
  bool path_applies(Pass& pass, const CompiledRule& rule, std::vector<Finding>& found);
  void take_match(Pass& pass, const CompiledRule& rule, Span span, std::vector<Finding>& found);
  void take_secret(const CompiledRule& rule, Finding& finding);
  void keep_complete(Pass& pass, const CompiledRule& rule, std::vector<Finding>& primary,
                     std::vector<Finding>& found);
  bool allows_place(const std::vector<CompiledAllowlist>& lists, const Fragment& fragment);
  bool allows_finding(const std::vector<CompiledAllowlist>& lists, const Pass& pass,
                      const Finding& finding, std::string_view line);
  bool path_matches(const CompiledAllowlist& list, const std::string& path);
  bool is_own(const Fragment& fragment);

  const Compiled& rules_;
  DetectorOptions options_;
  RegexSet regexes_;
  std::unique_ptr<Prefilter::Scratch> scratch_;
  std::vector<bool> candidates_;  // by rule
  std::vector<bool> keywords_;    // by keyword, of the pass
};

// Leaves out what another rule knows better, and redacts. Of one fragment's findings.
void settle(std::vector<Finding>& found, std::size_t from, const Compiled& rules, unsigned redact);

void redact(Finding& finding, unsigned percent);

}  // namespace fusebox::scan
