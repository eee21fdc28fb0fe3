// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/config_error.hpp"

#include <doctest/doctest.h>

using namespace fusebox::config;

TEST_CASE("members keep the order in which they were written") {
  const Value root = parse_toml("z = 1\na = 2\n[m]\nk = 3\n", "x.toml");
  const Table& table = *root.get_if<Table>();
  std::string keys;
  for (const auto& [key, value] : table) keys += key;
  CHECK(keys == "zam");
  CHECK(table.find("m")->get_if<Table>()->find("k")->origin.str() == "x.toml:4:1");
}
