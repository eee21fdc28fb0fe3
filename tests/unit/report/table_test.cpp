// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <doctest/doctest.h>

using fusebox::report::Align;
using fusebox::report::Table;

TEST_CASE("columns are as wide as their widest cell, and nothing trails") {
  Table table({"SERVICE", "STATE", "PORT"});
  table.align(2, Align::right);
  CHECK(table.empty());
  table.add({"postgres", "running", "15432"});
  table.add(
      {"r\xC3\xA9"
       "dis",
       "\x1b[31mdown\x1b[0m", "1"});
  table.add({"web"});
  CHECK_FALSE(table.empty());
  CHECK(table.str() ==
        "SERVICE   STATE     PORT\n"
        "postgres  running  15432\n"
        "r\xC3\xA9"
        "dis     \x1b[31mdown\x1b[0m         1\n"
        "web\n");
}

TEST_CASE("a heading of empty cells is left out, and a column can be aligned back") {
  Table table({"", ""});
  table.align(0, Align::right).align(0, Align::left);
  table.add({"a", "1"});
  table.add({"bb", "22"});
  CHECK(table.str() == "a   1\nbb  22\n");
}

TEST_CASE("a table without rows is its heading") {
  CHECK(Table({"A", "B"}).str() == "A  B\n");
  CHECK(Table({}).str().empty());
}
