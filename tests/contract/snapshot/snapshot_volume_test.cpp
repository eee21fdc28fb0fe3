// SPDX-License-Identifier: Apache-2.0
// A volume restored beside the live one: of a real MinIO, captured while it runs, and of one that
// is captured with its service stopped.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

#include "offline_rig.hpp"
#include "support/search.hpp"
#include "support/servers.hpp"

using namespace offline;

TEST_CASE("a running MinIO's objects are restored beside its volume, turned in, and turned back") {
  fusebox::test::skip_program_if(fusebox::test::MinioServer::missing());
  Rig rig({"minio"});
  rig.mc({"mb", "t/events"});
  fs::create_directory(rig.dir / "from");
  for (int i = 0; i < 20; ++i)
    std::ofstream(rig.dir / "from" / fmt::format("ev\xc3\xa9nement {}.json", i))
        << std::string(1000, static_cast<char>('a' + i)) << i;
  std::ofstream(rig.dir / "from/large") << std::string(2 << 20, 'x');
  rig.mc({"cp", "--recursive", (rig.dir / "from/").string(), "t/events"});

  CHECK(rig.sources("objects").at("offline") == true);
  const json::object captured = rig.capture("objects", "minio.tar");
  CHECK(captured.at("counts").at("files").to_number<std::int64_t>() >= 21);
  CHECK(rig.inspect("objects", "minio.tar", captured).contains("checked"));
  const auto live = [&] {
    const json::object answer = rig.count("objects", captured, true);
    return json::object{{"counts", answer.at("counts")}, {"digests", answer.at("digests")}};
  };
  const json::object then{{"counts", captured.at("counts")}, {"digests", captured.at("digests")}};
  CHECK(live() == then);

  rig.mc({"rm", "t/events/large"});
  std::ofstream(rig.dir / "new") << "later";
  rig.mc({"cp", (rig.dir / "new").string(), "t/events/new"});
  const json::object later = live();
  CHECK(later.at("counts") != then.at("counts"));
  CHECK(later.at("digests") != then.at("digests"));

  for (int again = 0; again < 2; ++again)
    CHECK(rig.stage("objects", "minio.tar", captured).at("counts") == captured.at("counts"));
  CHECK(live() == later);
  CHECK(failure([&] { rig.turn("objects", "new"); }) == "conflict");
  rig.run("stop");
  for (int again = 0; again < 2; ++again) rig.turn("objects", "new");
  CHECK(live() == then);  // while it does not run, the runtime's own stream is counted
  rig.run("start");
  CHECK(live() == then);  // and the server's own files changed nothing
  CHECK(rig.mc({"cat", "t/events/large"}) == std::string(2 << 20, 'x'));
  CHECK(rig.mc({"cat", "t/events/ev\xc3\xa9nement 7.json"}) == std::string(1000, 'h') + "7");
  CHECK(failure([&] { rig.turn("objects", "old"); }) == "conflict");

  rig.run("stop");
  for (int again = 0; again < 2; ++again) rig.turn("objects", "old");
  CHECK(live() == later);
  CHECK(rig.clean());
  rig.run("start");
  CHECK(rig.mc({"cat", "t/events/new"}) == "later");
  CHECK(rig.mc({"ls", "t/events"}).find("large") == std::string::npos);
}

TEST_CASE("D22: a volume is restored with its owners, whole or not at all, beside the old one") {
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  Rig rig({"redis"});
  rig.redis({"set", "a", "1"});
  CHECK(failure([&] { rig.capture("folder", "redis.tar"); }) == "conflict");
  rig.run("stop");
  const json::object captured = rig.capture("folder", "redis.tar");
  CHECK(rig.count("folder", captured, true).at("digests") == captured.at("digests"));
  rig.run("start");
  rig.redis({"set", "a", "2"});
  CHECK(failure([&] { rig.count("folder", captured); }) == "conflict");
  CHECK(rig.stage("folder", "redis.tar", captured).at("counts") == captured.at("counts"));
  rig.run("stop");
  CHECK(rig.count("folder", captured, true).at("digests") != captured.at("digests"));
  rig.turn("folder", "new");
  CHECK(rig.count("folder", captured, true).at("digests") == captured.at("digests"));
  rig.run("start");  // as a user of its own, which must own all of it
  CHECK(rig.redis({"get", "a"}) == "1");
  CHECK(rig.redis({"set", "b", "1"}) == "OK");
  rig.turn("folder", "settled");
  CHECK(rig.redis({"get", "a"}) == "1");

  // Nothing that is not whole, or of another moment, is staged.
  const std::string good = fusebox::test::slurp(rig.dir / "redis.tar");
  for (const std::size_t size : {good.size() - 1024, good.size() / 2, std::size_t{700}}) {
    CAPTURE(size);
    rig.stage("folder", "redis.tar", captured);
    std::ofstream(rig.dir / "bad.tar", std::ios::binary) << good.substr(0, size);
    CHECK(failure([&] { rig.stage("folder", "bad.tar", captured); }) == "failed");
    CHECK(failure([&] { rig.inspect("folder", "bad.tar", captured); }) == "failed");
    CHECK(rig.clean());
  }
  json::object other = captured;
  other["counts"] = {{"files", captured.at("counts").at("files")}, {"bytes", 5}};
  CHECK(failure([&] { rig.stage("folder", "redis.tar", other); }) == "failed");
  CHECK(rig.clean());

  rig.kill_stage("folder", "redis.tar", captured);
  rig.run("stop");
  CHECK(failure([&] { rig.turn("folder", "new"); }) == "not_found");
  rig.stage("folder", "redis.tar", captured);
  rig.turn("folder", "old");
  CHECK(rig.clean());
}
