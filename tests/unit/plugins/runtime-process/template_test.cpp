// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/template.hpp"

#include <doctest/doctest.h>

#include <fusebox/plugin.hpp>

#include "runtime-process/sys.hpp"

using namespace runtime_process;

namespace {

std::string show(std::string_view name, std::string_view argument) {
  return "<" + std::string(name) + "|" + std::string(argument) + ">";
}

std::string value(std::string_view name) { return "value-of-" + std::string(name); }

}  // namespace

TEST_CASE("references are expanded, everything else stays") {
  CHECK(expand("a ${x} $y ${port:http} $", "t", show) == "a <x|> $y <port|http> $");
  CHECK(expand("$${x} ${x}", "t", show) == "${x} <x|>");
  CHECK(expand("${a:${b}}", "t", show) == "<a|<b|>>");
}

TEST_CASE("a reference without its end is refused") {
  CHECK_THROWS_WITH(expand("a ${x", "service db", show), "service db: a \"${\" without its \"}\"");
}

TEST_CASE("secrets wait for the second pass, and escapes are undone exactly once") {
  const std::string first =
      expand_but_secrets("${x} ${secret:P} ${sha256:${secret:P}} $${z}", "t", show);
  CHECK(first == "<x|> ${secret:P} ${sha256:${secret:P}} $${z}");
  CHECK(expand_secrets(first, "t", value) ==
        "<x|> value-of-P " + sha256_hex("value-of-P") + " ${z}");
}

TEST_CASE("a value that looks like a reference is not expanded again") {
  CHECK(expand_secrets("${secret:P}", "t", [](std::string_view) { return "${secret:Q}"; }) ==
        "${secret:Q}");
}

TEST_CASE("durations and times are read as they are written") {
  using std::chrono::milliseconds;
  CHECK(parse_duration("1h30m") == milliseconds(5'400'000));
  CHECK(parse_duration("250ms") == milliseconds(250));
  CHECK(!parse_duration("5 parsecs"));
  CHECK(!parse_duration(""));
  CHECK(!parse_duration("7"));
  CHECK(!parse_duration("9223372036854775807d"));
  CHECK(!parse_duration("9999999d9999999d"));
  const auto time = parse_time("2026-11-23T10:00:00.123Z");
  REQUIRE(time);
  CHECK(format_time(*time) == "2026-11-23T10:00:00.123Z");
  CHECK(parse_time("2026-11-23T10:00:00Z").has_value());
  CHECK(!parse_time("yesterday").has_value());
  CHECK(!parse_time("9999-12-31T23:59:59Z").has_value());
}
