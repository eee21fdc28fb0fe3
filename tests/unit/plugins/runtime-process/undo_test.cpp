// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "rig.hpp"

using namespace runtime_test;

TEST_CASE("undo of up stops what this run started and removes what it made, no more") {
  Rig rig({{"a", shell()}, {"b", shell()}});
  rig.run_id = "earlier";
  rig.run("up", {{"services", {"a"}}});
  const auto a = rig.record("a")->process;
  rig.host.checkpoints.clear();
  rig.run_id = "now";
  rig.run("up");
  CHECK(summary(rig.undo()) == "stopped b, removed the data of b");
  CHECK(runtime_process::alive(a));
  CHECK(rig.state("b") == "missing");
  CHECK(fs::exists(rig.data_dir() / "a" / "up"));
  CHECK(summary(rig.undo()) == "nothing to undo");
}

TEST_CASE("undo keeps data that was there before this run") {
  Rig rig({{"a", shell()}});
  rig.run_id = "earlier";
  rig.run("up");
  rig.run("down");
  rig.host.checkpoints.clear();
  rig.run_id = "now";
  rig.run("up");
  CHECK(summary(rig.undo()) == "stopped a");
  CHECK(rig.state("a") == "created");
  CHECK(fs::exists(rig.data_dir() / "a" / "up"));
}

TEST_CASE("undo of a restart brings back the service as it was configured before") {
  Rig rig({{"a", shell("echo $MODE > \"$0/mode\"", {{"environment", {{"MODE", "old"}}}})}});
  rig.run_id = "earlier";
  rig.run("up");
  rig.host.checkpoints.clear();
  rig.run_id = "now";
  rig.configure({{"a", shell("echo $MODE > \"$0/mode\"", {{"environment", {{"MODE", "new"}}}})}});
  rig.run("up");
  CHECK(rig.data("a", "mode") == "new\n");
  CHECK(summary(rig.undo()) == "stopped a, started a again");
  CHECK(rig.data("a", "mode") == "old\n");
  CHECK(rig.record("a")->run == "earlier");
  CHECK(summary(rig.undo()) == "nothing to undo");
}

TEST_CASE("undo of stop and of down starts the services again") {
  for (const char* verb : {"stop", "down"}) {
    Rig rig({{"a", shell()}, {"b", shell("", {{"depends_on", {"a"}}})}});
    rig.run("up");
    rig.host.checkpoints.clear();
    rig.run(verb);
    CHECK(rig.state("a") != "running");
    CHECK(summary(rig.undo(verb)) == "started a again, started b again");
    CHECK(rig.state("b") == "running");
  }
}

TEST_CASE("undo of a down that removed the data says that it cannot") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  rig.host.checkpoints.clear();
  rig.run("down", {{"volumes", true}});
  const Answer answer = rig.undo("down");
  CHECK(answer.rc == FBX_CONFLICT);
  CHECK(answer.what == "cannot start a again: its data is gone");
}

TEST_CASE("undo after a failed up takes back the part that was done") {
  Rig rig({{"a", shell()}, {"b", shell("exit 1", {{"depends_on", {"a"}}})}});
  CHECK(rig.run("up").rc == FBX_UNAVAILABLE);
  CHECK(rig.state("a") == "running");
  CHECK(rig.undo().rc == FBX_OK);
  CHECK(rig.state("a") == "missing");
  CHECK(rig.state("b") == "missing");
}
