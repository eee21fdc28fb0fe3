// SPDX-License-Identifier: Apache-2.0
#include "util/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>

using fusebox::Errc;

TEST_CASE("a system error says what failed, on what, and why") {
  const fusebox::Error error = fusebox::system_error("open", "/x", ENOENT, "create it");
  CHECK(std::string(error.what()) == "cannot open /x: No such file or directory");
  CHECK(error.hint() == "create it");
  CHECK(error.code() == Errc::not_found);
}

TEST_CASE("the code of a system error tells what to do next") {
  CHECK(fusebox::system_error("a", "b", EACCES).code() == Errc::denied);
  CHECK(fusebox::system_error("a", "b", ECONNREFUSED).code() == Errc::unavailable);
  CHECK(fusebox::system_error("a", "b", ETIMEDOUT).code() == Errc::timeout);
  CHECK(fusebox::system_error("a", "b", EADDRINUSE).code() == Errc::conflict);
  CHECK(fusebox::system_error("a", "b", ENOMEM).code() == Errc::nomem);
  CHECK(fusebox::system_error("a", "b", EINVAL).code() == Errc::argument);
  CHECK(fusebox::system_error("a", "b", ECANCELED).code() == Errc::cancelled);
  CHECK(fusebox::system_error("a", "b", ENOSPC).code() == Errc::io);
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 1; i <= 14; ++i) names.insert(fusebox::to_string(static_cast<Errc>(i)));
  CHECK(names.size() == 14);
  CHECK(fusebox::to_string(Errc::not_found) == "not_found");
  CHECK(fusebox::to_string(static_cast<Errc>(99)) == "internal");
}
