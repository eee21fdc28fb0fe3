// SPDX-License-Identifier: Apache-2.0
#include "report/report.hpp"

#include <doctest/doctest.h>

using namespace fusebox::scan;

TEST_CASE("no finding: an empty list, nothing, an empty suite") {
  CHECK(write_json({}) == "[]\n");
  CHECK(write_csv({}).empty());
  CHECK(write_junit({}) ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
        "\t<testsuite failures=\"0\" name=\"gitleaks\" tests=\"0\" time=\"\"></testsuite>\n"
        "</testsuites>");
}

TEST_CASE("a format is known by its name and by a report's extension") {
  CHECK(format_of("sarif") == Format::sarif);
  CHECK(format_of("out/report.v2.json") == Format::json);
  CHECK(format_of("a.csv") == Format::csv);
  CHECK(format_of("junit.xml") == Format::junit);
  CHECK_FALSE(format_of("report.txt"));
  CHECK_FALSE(format_of(""));
}
