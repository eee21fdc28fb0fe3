// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/location.hpp"
#include "engine/prefilter.hpp"
#include "engine/regex.hpp"
#include "engine/scanner.hpp"
#include "engine/word_set.hpp"

using namespace fusebox::scan;

namespace {

std::vector<std::string> all_matches(const std::string& pattern, const std::string& text) {
  const auto regex = compile_regex(pattern);
  std::vector<std::string> found;
  for_each_match(*regex, Subject(text), [&](Span span) {
    found.push_back(text.substr(span.begin, span.end - span.begin));
  });
  return found;
}

}  // namespace

TEST_CASE("expressions match as Go's do") {
  using List = std::vector<std::string>;
  CHECK(all_matches("a*", "baac") == List{"", "aa", ""});
  CHECK(all_matches(".", "\xC3\xA4\xFF") == List{"\xC3\xA4", "\xFF"});
  CHECK(all_matches("x.{2}y", "x\xE2\x82y") == List{"x\xE2\x82y"});
  CHECK(all_matches("\\b(?<word>\\w+)$", "one two") == List{"two"});
  CHECK(all_matches("[(?<]", "<") == List{"<"});
  CHECK(all_matches("\\Q(?<\\E", "(?<") == List{"(?<"});
  CHECK_THROWS_AS(compile_regex("\\C"), std::invalid_argument);
  CHECK_THROWS_AS(compile_regex("(?=a)"), std::invalid_argument);
}

TEST_CASE("words are found in either case, overlapping ones too") {
  const std::vector<std::string> words = {"he", "she", "hers", "", "he", "zz"};
  const WordSet set(words);
  std::vector<bool> found;
  set.find("uSHErs", found);
  CHECK(found == std::vector<bool>{true, true, true, false, true, false});
  CHECK(set.any_in("xxHE"));
  CHECK(!set.any_in("xxh"));
}

TEST_CASE("columns are one too large on every line but the first") {
  const std::string text = "ab\ncd\nef";
  const auto feeds = line_feeds(text);
  CHECK(locate(feeds, text, {0, 2}).start_column == 1);
  CHECK(locate(feeds, text, {3, 5}).start_column == 2);
  CHECK(locate(feeds, text, {3, 5}).start_line == 1);
  const Location last = locate(feeds, text, {6, 8});
  CHECK(last.start_line == 2);
  CHECK(last.line.begin == 0);
  CHECK(last.line.end == text.size());
}

TEST_CASE("entropy counts characters and divides by bytes") {
  CHECK(shannon_entropy("aabb") == doctest::Approx(1.0));
  CHECK(shannon_entropy("\xC3\xA4\xC3\xB6") == doctest::Approx(1.0));
}

TEST_CASE("the prefilter leaves out no rule that matches") {
  const auto rules = load_rules_text(
      "[[rules]]\nid='a'\nregex='''(?i)tok\\s*=\\s*([^\\s]{4,})'''\n"
      "[[rules]]\nid='b'\nregex='''x[^a]y$'''\n[[rules]]\nid='c'\nregex='''\\bk\\x{e4}'''\n"
      "[[rules]]\nid='d'\nregex='''(?m)^end\\b.{0,3}$'''\n[[rules]]\nid='e'\nregex='''q?'''\n",
      "r.toml", {});
  const Compiled compiled(rules);
  const auto prefilter = Prefilter::build(compiled, Cache(""));
  if (prefilter == nullptr) return;  // a build or a machine without the library
  CHECK(!prefilter->knows(2));
  CHECK(!prefilter->knows(4));
  Prefilter::Scratch scratch(prefilter);
  std::vector<bool> candidates;
  for (const std::string text :
       {"TOK = abcde", "tok=\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xA4", "x\xE2\x82\xACy", "x\xFFy",
        "a\nend \xC3\xA4\xC3\xB6\nb", "to\xE2\x84\xAA=abcd", "tok\v=abcdef", "x\ny"}) {
    const Subject subject(text);
    INFO(text);
    if (!scratch.find(text, subject.ascii(), candidates)) continue;
    for (std::size_t i : {0U, 1U, 3U})
      if (!all_matches(rules->rules[i].regex, text).empty()) CHECK(candidates[i]);
  }
  CHECK(!scratch.find("to\xE2\x84\xAA", false, candidates));  // k, where case does not count
  CHECK(!scratch.find("a\vb", true, candidates));
}
