// SPDX-License-Identifier: Apache-2.0
// An RDB file restored beside the live data of a real Redis.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

#include "offline_rig.hpp"
#include "support/search.hpp"
#include "support/servers.hpp"

using namespace offline;

namespace {

void fill(Rig& rig) {
  for (int i = 0; i < 20; ++i)
    rig.redis({"set", fmt::format("key{}", i), fmt::format("value{}", i)});
  rig.redis({"set", "soon-gone", "x", "px", "100"});
  rig.redis({"set", "session", "x", "ex", "1000"});
  rig.redis({"-n", "2", "set", "elsewhere", "x"});
}

// Other data than what was captured.
void change(Rig& rig) {
  rig.redis({"flushall"});
  rig.redis({"set", "later", "1"});
}

std::int64_t keys(const json::object& answer) {
  return answer.at("counts").at("keys").to_number<std::int64_t>();
}

void skip_unless_here() { fusebox::test::skip_program_if(fusebox::test::RedisServer::missing()); }

}  // namespace

TEST_CASE("Redis is restored beside its data, turned in, turned back, and settled") {
  skip_unless_here();
  Rig rig({"redis"});
  CHECK(rig.sources("queue").at("offline") == true);
  fill(rig);
  const json::object captured = rig.capture("queue", "queue.rdb");
  CHECK(keys(captured) == 20);  // those that stay
  CHECK(captured.at("facts").at("appendonly") == "yes");
  rig.inspect("queue", "queue.rdb", captured);
  CHECK(rig.count("queue", captured).at("counts") == captured.at("counts"));
  change(rig);
  CHECK(keys(rig.count("queue", captured)) == 1);

  for (int again = 0; again < 2; ++again)
    CHECK(rig.stage("queue", "queue.rdb", captured).at("counts") == captured.at("counts"));
  CHECK(keys(rig.count("queue", captured)) == 1);  // the live data is in use as before
  CHECK(failure([&] { rig.turn("queue", "new"); }) == "conflict");

  rig.run("stop");
  for (int again = 0; again < 2; ++again) rig.turn("queue", "new");
  rig.run("start");
  CHECK(rig.count("queue", captured).at("counts") == captured.at("counts"));
  CHECK(rig.redis({"get", "key7"}) == "value7");
  CHECK(rig.redis({"get", "session"}) == "x");
  CHECK(rig.redis({"-n", "2", "get", "elsewhere"}) == "x");
  CHECK(rig.redis({"get", "later"}) == "");
  rig.redis({"set", "after", "1"});
  CHECK(failure([&] { rig.turn("queue", "old"); }) == "conflict");

  rig.run("stop");
  for (int again = 0; again < 2; ++again) rig.turn("queue", "old");
  CHECK(rig.clean());
  rig.run("start");
  CHECK(rig.redis({"get", "later"}) == "1");
  CHECK(rig.redis({"dbsize"}) == "1");
  CHECK(failure([&] { rig.turn("queue", "new"); }) == "not_found");

  rig.stage("queue", "queue.rdb", captured);
  rig.run("stop");
  rig.turn("queue", "new");
  rig.run("start");
  for (int again = 0; again < 2; ++again) rig.turn("queue", "settled");
  CHECK(rig.clean());
  rig.redis({"set", "written", "since"});
  rig.run("restart");  // it is a log like any other
  CHECK(rig.redis({"get", "written"}) == "since");
  CHECK(rig.redis({"get", "key19"}) == "value19");
}

TEST_CASE("a Redis without an append-only log, and one that does not run, are restored, too") {
  skip_unless_here();
  for (const char* append_only : {"no", "yes"}) {
    CAPTURE(append_only);
    Rig rig({"redis"}, append_only);
    fill(rig);
    const json::object captured = rig.capture("queue", "queue.rdb");
    change(rig);
    rig.run("stop");
    CHECK(failure([&] { rig.stage("queue", "queue.rdb", {}); }) != "none");  // nobody tells how
    json::object older = captured;
    older["facts"].as_object()["server"] = "6.2.14";
    CHECK(failure([&] { rig.stage("queue", "queue.rdb", older); }) ==
          (append_only == std::string("yes") ? "unsupported" : "none"));
    rig.stage("queue", "queue.rdb", captured);
    rig.turn("queue", "new");
    rig.run("start");
    CHECK(rig.count("queue", captured).at("counts") == captured.at("counts"));
    CHECK(rig.redis({"get", "key7"}) == "value7");
  }
}

TEST_CASE("a damaged RDB file, or one of another moment, is not staged; nor is a half one, ever") {
  skip_unless_here();
  Rig rig({"redis"});
  fill(rig);
  const json::object captured = rig.capture("queue", "queue.rdb");
  const std::string good = fusebox::test::slurp(rig.dir / "queue.rdb");
  const auto write = [&](const std::string& bytes) {
    std::ofstream(rig.dir / "bad.rdb", std::ios::binary) << bytes;
  };
  for (const std::size_t at : {good.size() / 3, good.size() - 3}) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    for (const std::string& bytes : {changed, good.substr(0, at)}) {
      write(bytes);
      rig.stage("queue", "queue.rdb", captured);
      CHECK(failure([&] { rig.stage("queue", "bad.rdb", captured); }) == "failed");
      CHECK(rig.clean());
    }
  }
  json::object other = captured;
  other["counts"] = {{"keys", 21}};
  CHECK(failure([&] { rig.stage("queue", "queue.rdb", other); }) == "failed");
  CHECK(failure([&] { rig.inspect("queue", "queue.rdb", other); }) == "failed");
  CHECK(rig.clean());

  rig.kill_stage("queue", "queue.rdb", captured);
  CHECK(rig.clean());
  rig.run("stop");
  CHECK(failure([&] { rig.turn("queue", "new"); }) == "not_found");
  rig.turn("queue", "old");
  rig.run("start");
  CHECK(rig.count("queue", captured).at("counts") == captured.at("counts"));
}
