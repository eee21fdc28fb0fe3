// SPDX-License-Identifier: Apache-2.0
#include "common/utf8.hpp"

#include <doctest/doctest.h>

using fbx::common::valid_utf8;

TEST_CASE("valid text stays as it is, and every byte that is none becomes one mark") {
  const std::string mark = "\xef\xbf\xbd";
  CHECK(valid_utf8("") == "");
  CHECK(valid_utf8("plain\ttext") == "plain\ttext");
  CHECK(valid_utf8("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(valid_utf8("a\xff"
                   "b") == "a" + mark + "b");
  CHECK(valid_utf8("\xc3") == mark);
  CHECK(valid_utf8("\xe2\x82") == mark + mark);
  CHECK(valid_utf8("\xc0\x80") == mark + mark);
  CHECK(valid_utf8("\xe0\x80\x80") == mark + mark + mark);
  CHECK(valid_utf8("\xed\xa0\x80") == mark + mark + mark);
  CHECK(valid_utf8("\xf4\x90\x80\x80") == mark + mark + mark + mark);
  CHECK(valid_utf8("\xf8x") == mark + "x");
}
