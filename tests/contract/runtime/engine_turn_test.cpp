// SPDX-License-Identifier: Apache-2.0
// Content beside a volume's live content: staged, turned in, turned back, settled.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <string>

#include "engine_stage.hpp"

using namespace engine_test;

namespace {

// Names that a careless script loses: hidden ones, spaces, line ends, patterns, options.
constexpr const char* fill_old =
    "cd /data && echo old > file && mkdir -m 750 .hidden && echo x > .hidden/deep && echo y > "
    "..two "
    "&& echo z > '-n' && echo p > '*' && echo q > 'a b' && echo r > 'a\nb' && ln -s nowhere link "
    "&& "
    "chown 70:71 file && chown 999:998 . && chmod 2710 . && echo done; sleep 600";
constexpr const char* fill_new =
    "cd /data && echo new > file && echo n > .hidden && mkdir sub && echo s > sub/s && ln file "
    "same "
    "&& head -c 300000 /dev/zero > large && chown 42:43 sub file && chown 101:102 . && "
    "chmod 750 . && echo done; sleep 600";

}  // namespace

TEST_CASE("content is staged beside a running service, turned in whole, and turned back whole") {
  require_engine();
  Stage stage;
  stage.capture(fill_new);
  const std::string old = stage.make("db", "data", fill_old);
  const std::int64_t bytes = stage.bytes();
  const std::size_t containers = stage.containers();
  CHECK(stage.turn("new").rc == FBX_NOT_FOUND);
  CHECK(stage.turn("old").what == "");

  const Answer staged = stage.stage();
  CHECK(staged.what == "");
  CHECK(staged.text == stage.totals);
  CHECK(stage.bytes() == bytes);
  CHECK(stage.rig.shell("db", "cat /data/file") == "old\n");
  const Answer running = stage.turn("new");
  CHECK(running.rc == FBX_CONFLICT);
  CHECK(running.what == "service db runs");
  CHECK(stage.turn("settled").rc == FBX_CONFLICT);
  stage.stop("db");
  const Answer exported = stage.ask("export", {{"volume", "data"}}, "live");
  CHECK(json::parse(exported.text).at("files") == 8);

  CHECK(stage.turn("new").what == "");
  CHECK(stage.turn("new").what == "");
  CHECK(stage.bytes() == json::parse(stage.totals).at("bytes").as_int64());
  CHECK(stage.ask("export", {{"volume", "data"}}, "live").text == stage.totals);
  CHECK(stage.stage().rc == FBX_CONFLICT);
  stage.idle();
  CHECK(stage.rig.shell("db", "cd /data && ls -A | sort && stat -c '%A %u:%g' .") ==
        ".fbx-beside\n.hidden\nfile\nlarge\nsame\nsub\ndrwxr-x--- 101:102\n");
  CHECK(stage.turn("new").what == "");
  CHECK(stage.turn("old").rc == FBX_CONFLICT);
  stage.stop("db");

  CHECK(stage.turn("old").what == "");
  CHECK(stage.turn("old").what == "");
  CHECK(stage.turn("new").rc == FBX_NOT_FOUND);
  CHECK(stage.containers() == containers);
  CHECK(stage.now() == old);
  CHECK(stage.bytes() == bytes);
}

TEST_CASE("settling removes the old content while the service runs, and ends the way back") {
  require_engine();
  Stage stage;
  stage.capture(fill_new);
  stage.make("db", "data", fill_old);
  stage.stop("db");
  CHECK(stage.stage().what == "");
  CHECK(stage.stage().what == "");  // in place of the first
  CHECK(stage.turn("new").what == "");
  stage.idle();
  // As an interruption leaves it, right after it began.
  stage.rig.shell("db", "mv /data/.fbx-beside/t1/live /data/.fbx-beside/t1/settled");
  CHECK(stage.turn("old").rc == FBX_CONFLICT);
  CHECK(stage.turn("new").what == "");
  CHECK(stage.turn("settled").what == "");
  CHECK(stage.turn("settled").what == "");
  CHECK(stage.rig.shell("db", describe) == stage.fresh);
  CHECK(stage.turn("old").what == "");
  CHECK(stage.rig.shell("db", describe) == stage.fresh);
}

TEST_CASE("a stream that cannot be staged leaves nothing, and the live content as it is") {
  require_engine();
  Stage stage;
  stage.capture(fill_new);
  const std::string old = stage.make("db", "data", fill_old);
  std::filesystem::resize_file(stage.rig.dir / "capture", 200'000);
  CHECK(stage.stage().rc == FBX_IO);
  CHECK(stage.rig.shell("db", describe) == old);
  CHECK(stage.turn("new").rc == FBX_NOT_FOUND);
  CHECK(stage.turn("old", "").rc == FBX_ARGUMENT);
  CHECK(stage.turn("old", "../x").rc == FBX_ARGUMENT);
  CHECK(stage.turn("sideways").rc == FBX_ARGUMENT);
}

TEST_CASE("a volume that is gone is made by staging, and empty when that is taken back") {
  require_engine();
  Stage stage;
  stage.capture(fill_new);
  CHECK(stage.turn("new").rc == FBX_NOT_FOUND);
  CHECK(stage.turn("old").what == "");
  CHECK(stage.stage().text == stage.totals);
  CHECK(stage.turn("new").what == "");
  CHECK(stage.turn("settled").what == "");
  CHECK(stage.now() == stage.fresh);
  stage.rig.engine().remove_container(stage.id("db"));
  stage.rig.engine().remove_volume(stage.rig.volume("data"));
  CHECK(stage.stage().what == "");
  CHECK(stage.turn("old").what == "");
  stage.idle();
  CHECK(stage.rig.shell("db", "ls -A /data") == "");
}

// The process dies; its script goes on in the engine, or has not begun.
TEST_CASE("killed anywhere, a turn is finished or taken back by another process") {
  require_engine();
  Stage stage;
  stage.capture(fill_new);
  const std::string many =
      std::string("cd /data && for i in $(seq 150); do echo $i > \"f $i\"; done; ") + fill_old;
  const std::string old = stage.make("db", "data", many.c_str());
  stage.stop("db");
  std::mt19937 random(std::random_device{}());
  int killed = 0;
  for (int round = 0; round < 2; ++round) {
    killed += stage.die_in("stage", std::chrono::milliseconds(random() % 900)) ? 1 : 0;
    REQUIRE(stage.stage().what == "");
    for (const char* to : {"new", random() % 2 == 0 ? "new" : "old"}) {
      const auto delay = std::chrono::milliseconds(random() % 900);
      CAPTURE(to);
      CAPTURE(delay.count());
      killed += stage.die_in(to, delay) ? 1 : 0;
    }
    const Answer again = stage.turn("new");
    if (again.rc != FBX_NOT_FOUND) {
      CHECK(again.what == "");
      CHECK(stage.ask("export", {{"volume", "data"}}, "live").text == stage.totals);
      killed += stage.die_in("old", std::chrono::milliseconds(random() % 900)) ? 1 : 0;
    }
    CHECK(stage.turn("old").what == "");
    REQUIRE(stage.now() == old);
  }
  CHECK(killed > 0);
  REQUIRE(stage.stage().what == "");
  REQUIRE(stage.turn("new").what == "");
  stage.die_in("settled", std::chrono::milliseconds(random() % 900));
  CHECK(stage.turn("settled").what == "");
  CHECK(stage.now() == stage.fresh);
}
