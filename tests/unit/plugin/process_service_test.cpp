// SPDX-License-Identifier: Apache-2.0
#include "stack.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using fusebox::test::Stack;
namespace json = boost::json;

namespace {

const std::string kStack = "[plugins.x]\nuse = \"sample-exec\"\n";

json::object script(std::string_view text, std::string_view input = "",
                    std::string_view program = "sh") {
  return {{"program", program}, {"script", text}, {"input", input}};
}

}  // namespace

TEST_CASE("a child gets its input and its environment, and its output comes back apart") {
  ::setenv("DROPPED", "here", 1);
  ::setenv("KEPT", "kept", 1);
  Stack stack(kStack);
  const json::object result = stack.run(
      "x", "exec", script("cat; echo $COLOUR $DROPPED $KEPT; echo trouble >&2; exit 3", "fed "));
  CHECK(result.at("out").as_string() == "fed green kept\n");
  CHECK(result.at("err").as_string() == "trouble\n");
  CHECK(result.at("exit_code").as_int64() == 3);
}

TEST_CASE("a child that dies of a signal says which") {
  Stack stack(kStack);
  CHECK(stack.run("x", "exec", script("kill -KILL $$")).at("signal").as_int64() == 9);
}

TEST_CASE("a secret reaches the child's environment, and its error text comes back without it") {
  Stack stack(kStack + "token = { secret = \"TOKEN_SECRET\" }\n");
  stack.store.put("TOKEN_SECRET", "canary-55d1-value");
  const json::object result = stack.run(
      "x", "exec", script("[ \"$TOKEN\" = canary-55d1-value ] && echo same; echo \"$TOKEN\" >&2"));
  CHECK(result.at("out").as_string() == "same\n");
  CHECK(result.at("err").as_string() == "[redacted:TOKEN_SECRET]\n");
}

TEST_CASE("what a child says on both channels comes in one stream where that was asked for") {
  Stack stack(kStack);
  json::object asked = script("echo one; echo two >&2; echo three");
  asked["merge"] = true;
  const json::object result = stack.run("x", "exec", asked);
  CHECK(result.at("out").as_string().size() == 14);
  CHECK(result.at("out").as_string().find("two\n") != std::string::npos);
  CHECK(result.at("err").as_string().empty());
}

TEST_CASE("a template in a child's environment is filled in with secrets on the way") {
  Stack stack(kStack + "token = { secret = \"TOKEN_SECRET\" }\n");
  stack.store.put("TOKEN_SECRET", "canary-55d1-value");
  json::object asked = script("[ \"$TOKEN\" = \"user:canary-55d1-value@host\" ] && echo same");
  asked["template"] = "user:${secret:TOKEN_SECRET}@host";
  CHECK(stack.run("x", "exec", asked).at("out").as_string() == "same\n");
  asked["template"] = "user:${secret:OTHER}";
  CHECK(stack.failure("x", "exec", asked).starts_with("denied: "));
}

TEST_CASE("a program that the manifest does not name is not run") {
  Stack stack(kStack);
  CHECK(stack.failure("x", "exec", script("id", "", "/bin/bash"))
            .starts_with("denied: plugin \"sample-exec\" wanted to run \"/bin/bash\""));
}

TEST_CASE("a program that is not there is a clear error") {
  Stack stack(kStack);
  const std::string said = stack.failure("x", "exec", script("id", "", "/nowhere/sh"));
  CHECK(said.starts_with("not_found: "));
  CHECK(said.find("/nowhere/sh") != std::string::npos);
}

TEST_CASE("a child that outlives the deadline is ended") {
  Stack stack(kStack);
  fusebox::plugin::CallContext c = stack.context();
  c.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  try {
    stack.host->run("x", Stack::request("exec", script("sleep 60")), c);
    FAIL("it was waited for");
  } catch (const fusebox::Error& e) {
    CHECK(e.code() == fusebox::Errc::timeout);
  }
}
