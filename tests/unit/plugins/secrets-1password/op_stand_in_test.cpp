// SPDX-License-Identifier: Apache-2.0
// The stand-in must say what the real op is documented to say, or the other tests prove nothing.
#include <doctest/doctest.h>

#include <chrono>
#include <regex>

#include "core/util/subprocess.hpp"
#include "op_world.hpp"

namespace json = boost::json;
using namespace fusebox::test;

namespace {

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

Ended op(std::vector<std::string> words, std::string_view input = {}) {
  fusebox::util::ProcessSpec spec;
  spec.command = {"op"};
  spec.command.insert(spec.command.end(), words.begin(), words.end());
  spec.stdin_bytes = input;
  Ended ended;
  ended.code = fusebox::util::run_process(
                   spec, [&](std::string_view bytes) { ended.out += bytes; },
                   [&](std::string_view bytes) { ended.err += bytes; },
                   std::chrono::steady_clock::now() + std::chrono::seconds(30), nullptr)
                   .exit_code;
  return ended;
}

// The text behind the prefix that every error of op has.
std::string error_text(const Ended& ended) {
  std::smatch match;
  const std::regex form(R"(\[ERROR\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d ([^\n]*)\n)");
  return std::regex_match(ended.err, match, form) ? match[1].str() : "not op's form: " + ended.err;
}

}  // namespace

TEST_CASE_FIXTURE(OpWorld, "the stand-in resolves enclosed and bare references and variables") {
  ::setenv("VAULT", "prod", 1);
  CHECK(op({"inject"}, "a {{ op://Prod/langfuse/salt }} b").out == "a salt-value b");
  CHECK(op({"inject"}, "op://prod/LANGFUSE/db/password@h").out == "pw-value@h");
  CHECK(op({"inject"}, "op://${vault:-x}/langfuse/user $vault ${ NOPE:-d }").out == "u prod d");
  CHECK(op({"inject"}, "xop://Prod/a/b {{ \"{{ \\\"x\\\" \" }}").out == "xop://Prod/a/b {{ \"x\" ");
  CHECK(op({"read", "op://Prod/Other Item/key"}).out == "other-value\n");
  CHECK(op({"--version"}).out == "2.32.0\n");
}

TEST_CASE_FIXTURE(OpWorld, "the stand-in fails with op's documented texts and exit code 1") {
  const auto inject = [](std::string_view reference) { return op({"inject"}, reference); };
  CHECK(inject("op://X/langfuse/salt").code == 1);
  CHECK(inject("op://Prod/langfuse/salt op://X/langfuse/salt").out.empty());
  CHECK(error_text(inject("op://X/langfuse/salt")) ==
        "could not read secret op://X/langfuse/salt: \"X\" isn't a vault in this account. Specify "
        "the vault with its ID or name.");
  CHECK(error_text(inject("op://Prod/nope/salt"))
            .find("\"nope\" isn't an item in the \"Prod\" vault") != std::string::npos);
  CHECK(error_text(inject("op://Prod/langfuse/nope"))
            .find("item 'Prod/langfuse' does not have a field 'nope'") != std::string::npos);
  CHECK(error_text(inject("op://Prod/langfuse")) ==
        "invalid secret reference 'op://Prod/langfuse': too few '/': secret references should have "
        "at least vault, item and field specified");

  set({{"signed_in", false}});
  CHECK(error_text(op({"whoami"})).starts_with("You are not currently signed in"));
  CHECK(error_text(op({"whoami", "--account", "x"})) == "no account found for filter x");
  set({{"accounts", json::array{}}});
  CHECK(error_text(op({"whoami"})) == "No accounts configured for use with 1Password CLI.");
  CHECK(op({"whoami"}).code == 1);
}

TEST_CASE_FIXTURE(OpWorld,
                  "the stand-in takes a service account from 2.18.0 on, and Connect before it") {
  set({{"accounts", json::array{}}});
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_good", 1);
  CHECK(op({"whoami"}).code == 0);
  set({{"accounts", json::array{}}, {"version", "2.17.9"}});
  CHECK(op({"whoami"}).code == 1);
  ::setenv("OP_CONNECT_HOST", "http://c", 1);
  ::setenv("OP_CONNECT_TOKEN", "t", 1);
  CHECK(op({"inject"}, "op://Prod/langfuse/salt").out == "salt-value");
}
