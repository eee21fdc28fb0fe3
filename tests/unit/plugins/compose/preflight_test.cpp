// SPDX-License-Identifier: Apache-2.0
#include "common/compose/preflight.hpp"

#include <doctest/doctest.h>

#include "common/compose/owners.hpp"

using namespace fbx::compose;
using Names = std::vector<std::string>;

TEST_CASE("variables in the user part of a URL are found in a Compose file") {
  CHECK(variables_in_urls(
            "DATABASE_URL: postgresql://postgres:${POSTGRES_PASSWORD:?}@postgres:5432/x") ==
        Names{"POSTGRES_PASSWORD"});
  CHECK(variables_in_urls("a: \"redis://$USER:$PASS@h/0\"\nb: http://h/${PATH}") ==
        Names{"USER", "PASS"});
  CHECK(variables_in_urls("url: http://clickhouse:8123").empty());
}

TEST_CASE("a value that would break a URL is refused by its kind, without being told") {
  CHECK(breaks_url("AbZ09-_.~").empty());
  for (const char* value :
       {"pa/ss", "p@ss", "p?ss", "p#ss", "p%ss", "p:ss", "p ss", "p&ss", "p=ss", "p+ss"}) {
    CAPTURE(value);
    CHECK(breaks_url(value) == "has a character with a meaning in URLs");
  }
  CHECK(breaks_url("p\xc3\xa4ss") == "has a character outside of ASCII");
}

TEST_CASE("a secret in a template's URL is found by its name") {
  CHECK(variables_in_urls("postgresql://app:${secret:DB_PASSWORD}@db:5432/app") ==
        Names{"DB_PASSWORD"});
}

TEST_CASE("D36 a URL given as a whole must have its password escaped") {
  CHECK(breaks_own_url("postgresql://u:p%40ss@h:5432/db?x=a@b").empty());
  CHECK(breaks_own_url("postgresql://u:p%40ss@h:5432/db").empty());
  CHECK(breaks_own_url("postgresql://h:5432/db").empty());
  CHECK(breaks_own_url("plain text").empty());
  for (const char* url : {"db://u:p@ss@h/d", "db://u:p/ss@h/d", "db://u:p#ss@h/d"})
    CHECK(breaks_own_url(url) == "has a character in its password that ends that part of a URL");
  CHECK(breaks_own_url("db://u:p%zz@h/d") == "has a % in its password that is no escape");
}

TEST_CASE("only a fixed user that is not root must own its volumes") {
  CHECK(fixed_user("65532") == 65532);
  CHECK(fixed_user("101:101") == 101);
  for (const char* user : {"", "0", "0:0", "root", "nobody", "12x"}) CHECK_FALSE(fixed_user(user));
}

TEST_CASE("the owner is read from a tar header, and from nothing else") {
  std::string header(512, '\0');
  header.replace(108, 7, "0000145");
  CHECK_FALSE(tar_owner(header));
  header.replace(257, 5, "ustar");
  CHECK(tar_owner(header) == 101);
  CHECK_FALSE(tar_owner(header.substr(0, 511)));
}
