// SPDX-License-Identifier: Apache-2.0
#include "secrets/redactor.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <chrono>

using fusebox::secrets::Redactor;
using fusebox::secrets::Store;

namespace {

struct Fixture {
  Store store;
  Redactor redactor{store};
  std::string redact(std::string_view text) const { return redactor.redact(text); }
};

// By another implementation than ours.
std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

std::string base64_url(const std::string& bytes) {
  std::string text = base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string percent_all(const std::string& bytes, bool upper) {
  std::string text;
  for (const char c : bytes)
    text += upper ? fmt::format("%{:02X}", static_cast<unsigned char>(c))
                  : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::string percent_reserved(const std::string& bytes) {
  std::string text;
  for (const char c : bytes)
    text += std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c)
                                                             : percent_all({c}, true);
  return text;
}

// Not alike in any two forms: '/', '+', '"', '\', '%', '&', space, non-ASCII.
const std::string tricky = "p/a+s\"s\\w%o&r d\xC3\xA9\xF0\x9F\x98\x80~?? ?>>>";

}  // namespace

TEST_CASE("a text without a value comes back as it is") {
  Fixture f;
  CHECK(f.redact("nothing here") == "nothing here");
  f.store.put("SALT", "some-salt-value");
  CHECK(f.redact("") == "");
  CHECK(f.redact("some-salt-valu") == "some-salt-valu");
  CHECK(f.redact("some-salt-valuX, 100% of \\it") == "some-salt-valuX, 100% of \\it");
}

TEST_CASE("every occurrence of every value is replaced by its name") {
  Fixture f;
  f.store.put("A", "value-of-a");
  f.store.put("B", "value-of-b");
  CHECK(f.redact("value-of-avalue-of-b, value-of-a") == "[redacted:A][redacted:B], [redacted:A]");
}

TEST_CASE("a value within another, or overlapping it, leaves nothing of either") {
  Fixture f;
  f.store.put("SHORT", "abcdefgh");
  f.store.put("LONG", "abcdefgh-and-more");
  f.store.put("OVER", "more-at-the-end");
  CHECK(f.redact("x abcdefgh-and-more y") == "x [redacted:LONG] y");
  CHECK(f.redact("x abcdefgh-and y") == "x [redacted:SHORT]-and y");
  CHECK(f.redact("x abcdefgh-and-more-at-the-end y") == "x [redacted:LONG] y");
}

TEST_CASE("base64 hides a value at every alignment, in both alphabets") {
  for (const std::string& value : {std::string("hunter2-hunter2"), tricky, std::string("sixsix"),
                                   std::string("\xFB\xEF\xBE\xFF\xFF\xFF\xFF")}) {
    Fixture f;
    f.store.put("KEY", value);
    for (const char* before : {"", "u", "us", "use", "user:"})
      for (const char* after : {"", "x", "xy", "xyz"}) {
        CAPTURE(value);
        CAPTURE(before);
        CAPTURE(after);
        const std::string whole = before + value + after;
        const std::string standard = f.redact("Basic " + base64(whole) + " end");
        CHECK(standard.find("[redacted:KEY]") != std::string::npos);
        const std::string url = f.redact("token=" + base64_url(whole) + "&x");
        CHECK(url.find("[redacted:KEY]") != std::string::npos);
        // What is left encodes what stood around, and no bit of the value.
        CHECK(standard.size() <= std::string("Basic [redacted:KEY]== end").size() +
                                     base64(before).size() + base64(after).size());
      }
  }
}

TEST_CASE("URL-encoded values are found, whatever part of them is encoded") {
  Fixture f;
  f.store.put("KEY", tricky);
  CHECK(f.redact("?k=" + percent_reserved(tricky) + "&b") == "?k=[redacted:KEY]&b");
  CHECK(f.redact("?k=" + percent_all(tricky, true) + "&b") == "?k=[redacted:KEY]&b");
  CHECK(f.redact("?k=" + percent_all(tricky, false) + "&b") == "?k=[redacted:KEY]&b");
  std::string form = percent_reserved(tricky);
  form.replace(form.find("%20"), 3, "+");
  CHECK(f.redact("k=" + form) == "k=[redacted:KEY]");
  f.store.put("URL", "postgres://u:p@h");
  CHECK(f.redact("postgres:%2F%2Fu:p%40h") == "[redacted:URL]");
}

TEST_CASE("JSON-escaped values are found, whoever escaped them") {
  Fixture f;
  const std::string value =
      "line one\n\ttab \"quoted\" back\\slash /path \xC3\xA9\xF0\x9F\x98\x80 \x01";
  f.store.put("KEY", value);
  const std::string json = boost::json::serialize(boost::json::string(value));
  CHECK(f.redact("{\"a\":" + json + "}") == "{\"a\":\"[redacted:KEY]\"}");
  CHECK(f.redact("line one\\n\\ttab \\\"quoted\\\" back\\\\slash \\/path "
                 "\\u00e9\\uD83D\\uDE00 \\u0001") == "[redacted:KEY]");
  CHECK(f.redact("line one\\u000a\\u0009tab \\u0022quoted\\u0022 back\\u005cslash \\u002fpath "
                 "\\u00E9\\ud83d\\ude00 \\u0001") == "[redacted:KEY]");
}

TEST_CASE("malformed escapes are only text") {
  Fixture f;
  f.store.put("KEY", "value-of-key");
  f.store.put("UNI", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80");
  for (const char* text : {"%", "%2", "%zz", "\\", "\\u", "\\u12", "\\ud83d", "\\ud83d\\u0041",
                           "\\q", "value-of-ke%7", "value-of-ke\\u007", "\\ud83d\\ude00"}) {
    CAPTURE(text);
    CHECK(f.redact(text) == text);
  }
}

TEST_CASE("a value that looks like an escape is found raw") {
  Fixture f;
  f.store.put("KEY", "100%41\\nope\\\\x");
  CHECK(f.redact("is 100%41\\nope\\\\x.") == "is [redacted:KEY].");
  CHECK(f.redact("is 100%2541%5Cnope\\\\\\\\x.") == "is [redacted:KEY].");
}

TEST_CASE("each line of a value of several lines is a secret of its own") {
  Fixture f;
  f.store.put("PEM", "-----BEGIN KEY-----\r\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\nabc\n");
  CHECK(f.redact("read MIIEvQIBADANBg") == "read [redacted:PEM]");
  CHECK(f.redact("then kqhkiG9w0BAQEF.") == "then [redacted:PEM].");
  CHECK(f.redact("abc") == "abc");
}

TEST_CASE("short values are hidden where they are whole words") {
  Fixture f;
  f.store.put("PIN", "1234");
  f.store.put("SIGN", "-x-");
  f.store.put("EMPTY", "");
  CHECK(f.redact("pin 1234, 12345, a1234, 1234") ==
        "pin [redacted:PIN], 12345, a1234, [redacted:PIN]");
  CHECK(f.redact("a-x-b") == "a[redacted:SIGN]b");
  CHECK(f.redact("no") == "no");
}

TEST_CASE("a value that was replaced is the one that is looked for") {
  Fixture f;
  f.store.put("KEY", "first-value");
  CHECK(f.redact("first-value") == "[redacted:KEY]");
  f.store.put("KEY", "second-value");
  CHECK(f.redact("second-value") == "[redacted:KEY]");
}

TEST_CASE("lines without secrets pass quickly, with many secrets known") {
  Fixture f;
  for (int i = 0; i < 100; ++i)
    f.store.put(fmt::format("KEY{}", i), fmt::format("value-{:032x}", i * 7919));
  const std::string line(
      "2026-05-09 07:30:31.186 UTC [123] LOG:  checkpoint complete: wrote 45 buffers (0.3%)");
  REQUIRE(f.redact(line) == line);
  const auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) REQUIRE(f.redact(line).size() == line.size());
  const auto each = (std::chrono::steady_clock::now() - started) / 2000;
  MESSAGE("one line of ", line.size(),
          " bytes: ", std::chrono::duration_cast<std::chrono::nanoseconds>(each).count(), " ns");
  CHECK(each < std::chrono::milliseconds(2));
}
