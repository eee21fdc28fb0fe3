// SPDX-License-Identifier: Apache-2.0
// Every function pointer of a public header says on which threads it may be called.
#include "text_list.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> tags = {"[serial]", "[op-thread]", "[any-thread]",
                                                  "[no-op-in-flight]"};

size_t tags_in(std::string_view comment) {
  size_t found = 0;
  for (const auto tag : tags) {
    for (size_t at = comment.find(tag); at != comment.npos; at = comment.find(tag, at + 1)) ++found;
  }
  return found;
}

struct Finding {
  size_t pointers = 0;
  std::vector<std::string> problems;
};

// A pointer's comment is the one right before its declaration and the one behind it on its line.
Finding check(const std::string& header) {
  // A comment, a pointer's declaration, or the end of some other declaration.
  static const std::regex token(
      R"(/\*(?:[^*]|\*(?!/))*\*/|[^;{}/]*\(\*(\w+)\)\s*\([^;]*\);|[;{}])");
  Finding result;
  std::string before;
  for (std::sregex_iterator it(header.begin(), header.end(), token), end; it != end; ++it) {
    const std::string text = it->str();
    if (text.rfind("/*", 0) == 0) {
      before = text;
    } else if ((*it)[1].matched) {
      ++result.pointers;
      std::string comment = before;
      const std::string rest = it->suffix();
      const size_t behind = rest.find_first_not_of(' ');
      if (behind != rest.npos && rest.compare(behind, 2, "/*") == 0) {
        comment += rest.substr(behind, rest.find("*/") - behind);
      }
      const size_t count = tags_in(comment);
      if (count != 1) {
        result.problems.push_back(fmt::format("{} has {} thread tags", (*it)[1].str(), count));
      }
      before.clear();
    } else {
      before.clear();
    }
  }
  return result;
}

}  // namespace

TEST_CASE("every function pointer of the public headers carries exactly one thread tag") {
  size_t pointers = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(FUSEBOX_SOURCE_DIR) / "sdk/include")) {
    if (entry.path().extension() != ".h") continue;
    CAPTURE(entry.path().filename().string());
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    const Finding finding = check(text.str());
    CHECK(finding.problems == std::vector<std::string>{});
    pointers += finding.pointers;

    // The same count by a cruder rule, so that a pointer which the parser overlooks is noticed.
    const std::string code =
        std::regex_replace(text.str(), std::regex(R"(/\*(?:[^*]|\*(?!/))*\*/)"), "");
    const std::regex crude(R"(\(\*\w+\)\s*\()");
    CHECK(finding.pointers ==
          static_cast<size_t>(std::distance(std::sregex_iterator(code.begin(), code.end(), crude),
                                            std::sregex_iterator())));
  }
  CHECK(pointers >= 30);
}

TEST_CASE("a missing tag and a second tag are found") {
  const auto problems = [](const std::string& header) { return check(header).problems; };
  using Texts = std::vector<std::string>;

  CHECK(problems("struct s {\n /* Does it. [serial] */\n int (*a)(void);\n};") == Texts{});
  CHECK(problems("struct s {\n int (*a)(void *p,\n int b); /* [op-thread] */\n};") == Texts{});
  CHECK(problems("struct s {\n /* Does it. */\n int (*a)(void);\n};") ==
        Texts{"a has 0 thread tags"});
  CHECK(problems("struct s {\n /* [serial] */\n int (*a)(void);\n int (*b)(void);\n};") ==
        Texts{"b has 0 thread tags"});
  CHECK(problems("/* [serial] */ struct s { int x; int (*a)(void); };") ==
        Texts{"a has 0 thread tags"});
  CHECK(problems("struct s {\n /* [serial] or [any-thread] */\n int (*a)(void);\n};") ==
        Texts{"a has 2 thread tags"});
}
