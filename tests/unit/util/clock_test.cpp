// SPDX-License-Identifier: Apache-2.0
#include "util/clock.hpp"

#include <doctest/doctest.h>

namespace util = fusebox::util;
using namespace std::chrono_literals;
using std::chrono::system_clock;

TEST_CASE("times are written in UTC with milliseconds") {
  CHECK(util::rfc3339(system_clock::time_point{}) == "1970-01-01T00:00:00.000Z");
  CHECK(util::rfc3339(system_clock::time_point{1'709'210'096'789ms}) == "2024-02-29T12:34:56.789Z");
  CHECK(util::rfc3339(system_clock::time_point{-1ms}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("times are read back, with any fraction and offset") {
  const auto time = system_clock::time_point{1'709'210'096'789ms};
  CHECK(util::parse_rfc3339("2024-02-29T12:34:56.789Z") == time);
  CHECK(util::parse_rfc3339("2024-02-29t13:34:56.789+01:00") == time);
  CHECK(util::parse_rfc3339("2024-02-29 04:04:56.789000-08:30") == time);
  CHECK(util::parse_rfc3339("2024-02-29T12:34:56z") == time - 789ms);
}

TEST_CASE("what is no time is refused") {
  for (const char* text : {"",
                           "2024",
                           "2024-02-30T00:00:00Z",
                           "2024-13-01T00:00:00Z",
                           "2024-02-29T24:00:00Z",
                           "2024-02-29T12:60:00Z",
                           "2024-02-29T12:34:61Z",
                           "2024-02-29T12:34:56",
                           "2024-02-29T12:34",
                           "2024-02-29T12:34:56.Z",
                           "2024-02-29T12:34:56Zx",
                           "2024-02-29T12:34:56+0100",
                           "2024-02-29T12:34:56+24:00",
                           "2024-02-29T12:34:56+1",
                           "20240229T123456Z",
                           "-024-02-29",
                           "2024-02-29X12:34:56Z",
                           "2024-02-29T12-34:56Z",
                           "2024-2-29T12:34:56Z",
                           "2024-02-29T12:34:-0Z"}) {
    CAPTURE(text);
    CHECK_FALSE(util::parse_rfc3339(text).has_value());
  }
}

TEST_CASE("a year that the clock cannot hold is no time") {
  for (const char* text :
       {"0000-01-01T00:00:00Z", "1013-05-09T07:30:31.186Z", "9999-12-31T23:59:59Z"}) {
    CAPTURE(text);
    const bool fits = system_clock::period::den < 1'000'000'000;  // not in nanoseconds
    CHECK(util::parse_rfc3339(text).has_value() == fits);
  }
  CHECK(util::parse_rfc3339("1700-01-01T00:00:00+23:59").has_value());
  CHECK(util::parse_rfc3339("2262-01-01T00:00:00-23:59").has_value());
}

TEST_CASE("durations are short and keep what matters") {
  CHECK(util::human_duration(0ms) == "0ms");
  CHECK(util::human_duration(850ms) == "850ms");
  CHECK(util::human_duration(12'399ms) == "12.3s");
  CHECK(util::human_duration(59'999ms) == "59.9s");
  CHECK(util::human_duration(125s) == "2m05s");
  CHECK(util::human_duration(3h + 7min + 59s) == "3h07m");
  CHECK(util::human_duration(52h) == "2d04h");
  CHECK(util::human_duration(-5ms) == "-5ms");
}

TEST_CASE("sizes are in binary units") {
  CHECK(util::human_size(0) == "0 B");
  CHECK(util::human_size(1023) == "1023 B");
  CHECK(util::human_size(1024) == "1.0 KiB");
  CHECK(util::human_size(1'288'490'189) == "1.2 GiB");
  CHECK(util::human_size((1ULL << 20) - 1) == "1.0 MiB");
  CHECK(util::human_size(~0ULL) == "16.0 EiB");
}
