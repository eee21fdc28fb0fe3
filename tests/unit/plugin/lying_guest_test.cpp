// SPDX-License-Identifier: Apache-2.0
// fusebox against the process of a plugin that says what the protocol forbids: each lie costs its
// call, within its time, and nothing else.
#include "stack.hpp"

#include <doctest/doctest.h>

using namespace fusebox;
using fusebox::test::Stack;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

// What comes of a call into a guest that plays `part`.
std::string play(const std::string& part) {
  Stack stack("[plugins.zoo-fails]\n");
  const fs::path program = stack.dir / part;
  fs::create_symlink(FUSEBOX_LYING_GUEST, program);
  std::vector<config::Problem> problems;
  plugin::Host host(stack.config, stack.catalog, stack.store, problems, {program, "/"});
  plugin::CallContext c = stack.context();
  c.deadline = std::chrono::steady_clock::now() + 500ms;
  c.grace = 400ms;
  if (part == "closes-cancel") {
    host.prepare("zoo-fails", c);
    stack.cancel.cancel();
  }
  const auto ask = [&]() -> std::string {
    try {
      return boost::json::serialize(host.run("zoo-fails", Stack::request("bite"), c));
    } catch (const Error& e) {
      return e.what();
    }
  };
  const std::string said = ask();
  // For the lies that come after a good answer.
  return said == "{}" && part != "honest" ? ask() : said;
}

}  // namespace

TEST_CASE("a guest that keeps to the protocol is believed") { CHECK(play("honest") == "{}"); }

TEST_CASE("whatever a guest says, its call ends in time and says what was wrong") {
  const std::string ended = "the process of plugin \"zoo-fails\" was ended, because it ";
  const std::string late =
      "plugin \"zoo-fails\" did not end within 300ms of its deadline, and its process was killed";
  const std::string flooded = "plugin \"zoo-fails\" wrote a result of more than 16 MiB";
  const struct {
    std::string part;
    std::string expected;
  } cases[] = {
      {"silent-load", late},
      {"answer-before-question", ended + "sent a message of type 0x22 that is malformed"},
      {"bad-refusal", ended + "said no result code"},
      {"early-eof", ended + "closed its connection to fusebox"},
      {"half-a-message", late},
      {"endless-length", ended + "sent something that is no message"},
      {"long-message", ended + "sent a message of type 0x21 that is malformed"},
      {"unknown-type", ended + "sent something that is no message"},
      {"own-type", ended + "sent a message of type 0x14 that is malformed, or not expected here"},
      {"wrong-answer", ended + "sent a message of type 0x22"},
      {"returns-twice", ended + "returned from another call"},
      {"other-op", ended + "spoke of another op"},
      {"unasked-fd", ended + "sent 1 descriptors where 0 belong"},
      {"too-many-fds", ended + "sent more descriptors than any message has"},
      {"unknown-service", ended + "used a service that it has not opened"},
      {"unknown-sink", ended + "wrote to a sink that there is none of"},
      {"no-code", "plugin \"zoo-fails\" answered with 99, which is no result code"},
      {"no-fault", ended + "returned with a fault that there is none of"},
      {"endless-notes", late},
      {"endless-writes", flooded},
      {"deaf", late},
      {"many-sides", ended + "opened too many side lanes"},
      {"side-nonsense", ended + "sent something that is no message"},
      {"control-nonsense", ended + "sent something that is no message"},
      {"closes-cancel",
       "plugin \"zoo-fails\" did not end within 300ms of being told to stop, and its process was "
       "killed"},
      {"control-eof", ended + "closed its connection to fusebox"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.part);
    const std::string said = play(c.part);
    CAPTURE(said);
    CHECK(said.starts_with(c.expected));
  }
}
