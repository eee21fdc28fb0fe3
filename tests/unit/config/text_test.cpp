// SPDX-License-Identifier: Apache-2.0
#include "config/text.hpp"

#include "config/schema.hpp"
#include "config/toml_text.hpp"
#include "util/text.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <vector>

using namespace fusebox::config;

TEST_CASE("durations are numbers with units, largest first") {
  CHECK(parse_duration("500ms") == 500);
  CHECK(parse_duration("90s") == 90'000);
  CHECK(parse_duration("10m") == 600'000);
  CHECK(parse_duration("1h30m") == 5'400'000);
  CHECK(parse_duration("2d") == 172'800'000);
  CHECK(parse_duration("1d1h1m1s1ms") == 90'061'001);
  CHECK(parse_duration("0s") == 0);
  for (const char* text : {"", "s", "10", "1.5s", "-1s", " 1s", "1s ", "1 s", "30m1h", "1s1s", "1w",
                           "9223372036854775807d", "99999999999999999999s", "1sm", "1M",
                           "9223372036854775807ms1s", "106751991167d24h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK(parse_duration("9223372036854775807ms") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("sizes are decimal or binary, as their unit says") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("512") == 512);
  CHECK(parse_size("512B") == 512);
  CHECK(parse_size("64KiB") == 65'536);
  CHECK(parse_size("64kB") == 64'000);
  CHECK(parse_size("64KB") == 64'000);
  CHECK(parse_size("10MB") == 10'000'000);
  CHECK(parse_size("2GiB") == 2'147'483'648);
  CHECK(parse_size("1TiB") == 1'099'511'627'776);
  CHECK(parse_size("1TB") == 1'000'000'000'000);
  for (const char* text : {"", "KiB", "1 KiB", "-1", "1.5GiB", "1kib", "1KiB2", "9000000TiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("the nearest candidate is one that was meant") {
  const std::vector<std::string> keys = {"timeout", "steps", "on_failure", "port", "with"};
  CHECK(nearest("timeot", keys) == "timeout");
  CHECK(nearest("tiemout", keys) == "timeout");
  CHECK(nearest("time-out", keys) == "timeout");
  CHECK(nearest("prot", keys) == "port");
  CHECK(nearest("Port", keys) == "port");
  CHECK(nearest("on-failure", keys) == "on_failure");
  CHECK(nearest("onfailure", keys) == "on_failure");
  CHECK(nearest("setps", keys) == "steps");
  CHECK_FALSE(nearest("zzz", keys));
  CHECK_FALSE(nearest("", keys));
  CHECK_FALSE(nearest("x", {"y"}));
  CHECK_FALSE(nearest("port", {}));
  CHECK_FALSE(nearest(std::string(100'000, 'x'), keys));
}

TEST_CASE("a quote is printable, and never too long") {
  CHECK(quote("a\"b") == "\"a\"b\"");
  CHECK(quote("a\n\x1b[31m\x7f") == "\"a\\x0a\\x1b[31m\\x7f\"");
  CHECK(quote(std::string(200, 'x')) == "\"" + std::string(80, 'x') + "...\"");
  // The cut falls within the two bytes of a letter.
  std::string umlauts = "x";
  for (int i = 0; i < 60; ++i) umlauts += "\xc3\xa4";
  CHECK(fusebox::util::valid_utf8(quote(umlauts)));
  CHECK(quote(umlauts).size() < 90);
}

TEST_CASE("names have the alphabet of their kind") {
  CHECK(is_name("probe-redis2"));
  for (const char* bad : {"", "2a", "-a", "A", "a_b", "a.b", "a b"}) CHECK_FALSE(is_name(bad));
  CHECK(is_stack_name("2_langfuse-prod"));
  for (const char* bad : {"", "-a", "_a", "A", "a/b", "..", "a b"}) CHECK_FALSE(is_stack_name(bad));
  CHECK(is_secret_name("_API_KEY2"));
  for (const char* bad : {"", "2A", "A-B", "A.B", "A B"}) CHECK_FALSE(is_secret_name(bad));
  CHECK(is_interface_id("fusebox.runtime/1"));
  CHECK(is_interface_id("acme.big-data.queue/12"));
  for (const char* bad : {"", "fusebox/1", "fusebox.step", "fusebox.step/", "fusebox.step/0",
                          "fusebox.step/01", "fusebox.step/x", "fusebox.step/12345", ".step/1",
                          "fusebox./1", "Fusebox.step/1", "fusebox.step/1/2"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_interface_id(bad));
  }
}

TEST_CASE("a path starts at the folder of the file in which it stands") {
  namespace fs = std::filesystem;
  const Origin in_file{"/etc/stacks/fusebox.toml", 3, 1};
  const Origin flag{"--set", 0, 0};
  CHECK(resolve_path("data/x", in_file, flag) == "/etc/stacks/data/x");
  CHECK(resolve_path("../x", in_file, flag) == "/etc/x");
  CHECK(resolve_path("./", in_file, flag) == "/etc/stacks/");
  CHECK(resolve_path("/a/./b", in_file, flag) == "/a/b");
  CHECK(resolve_path("x", {"default", 0, 0}, in_file) == "/etc/stacks/x");
  CHECK(resolve_path("x", flag, flag) == fs::current_path() / "x");
  CHECK(resolve_path("x", {"fusebox.toml", 1, 1}, flag) == fs::current_path() / "x");
  CHECK(resolve_path("x", {"sub/fusebox.toml", 1, 1}, flag) == fs::current_path() / "sub/x");
  const char* home = std::getenv("HOME");
  REQUIRE(home != nullptr);
  CHECK(resolve_path("~/x", in_file, flag) == fs::path(home) / "x");
  CHECK(resolve_path("~", in_file, flag) == fs::path(home) / "");
  CHECK(resolve_path("~x", in_file, flag) == "/etc/stacks/~x");
}

TEST_CASE("a handle is a table with a secret's name and nothing else") {
  const auto handle = [](const std::string& text) {
    return secret_handle(*parse_toml("v = " + text, "x").get_if<Table>()->find("v"));
  };
  CHECK(handle(R"({ secret = "NAME" })") == "NAME");
  CHECK_FALSE(handle(R"({ secret = "NAME", other = 1 })"));
  CHECK_FALSE(handle(R"({ secret = 1 })"));
  CHECK_FALSE(handle(R"({ sercet = "NAME" })"));
  CHECK_FALSE(handle(R"("NAME")"));
}
