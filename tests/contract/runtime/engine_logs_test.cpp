// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine_rig.hpp"

using namespace engine_test;

namespace {

struct Line {
  std::string service;
  std::string stream;
  std::string text;
  friend bool operator==(const Line&, const Line&) = default;
};

std::vector<Line> parse(const std::string& ndjson) {
  std::vector<Line> out;
  std::size_t start = 0;
  for (auto end = ndjson.find('\n'); end != std::string::npos; end = ndjson.find('\n', start)) {
    const json::value line = json::parse(ndjson.substr(start, end - start));
    CHECK(line.at("time").as_string().size() == 24);
    out.push_back({std::string(line.at("service").as_string()),
                   std::string(line.at("stream").as_string()),
                   std::string(line.at("line").as_string())});
    start = end + 1;
  }
  return out;
}

void wait_until_ended(Rig& rig, const std::string& service) {
  REQUIRE(eventually([&] { return rig.service(service, "state") == "exited"; }));
}

}  // namespace

TEST_CASE("the services' lines come merged by time, each with its stream") {
  require_engine();
  Rig rig;
  // They take turns, whatever the machine's load.
  const auto after = [](const std::string& turn) {
    return "until test -e /turn/" + turn + "; do sleep 0.02; done; sleep 0.02; ";
  };
  rig.start("a", "echo one; touch /turn/1; " + after("2") + "echo three >&2; touch /turn/3",
            rig.mounts("turn", "/turn"));
  rig.start("b", after("1") + "echo two; touch /turn/2; " + after("3") + "echo four",
            rig.mounts("turn", "/turn"));
  wait_until_ended(rig, "a");
  wait_until_ended(rig, "b");
  const auto lines = parse(rig.logs({}).text);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].text == "one");
  CHECK(lines[2] == Line{"a", "stderr", "three"});
  CHECK(parse(rig.logs({{"services", {"b"}}}).text).size() == 2);
  const auto last = parse(rig.logs({{"tail", 1}}).text);
  REQUIRE(last.size() == 2);
  CHECK(last[0].text == "three");
  CHECK(last[1].text == "four");
  CHECK(parse(rig.logs({{"tail", 0}}).text).empty());
  CHECK(parse(rig.logs({{"since", "1h"}}).text).size() == 4);
  CHECK(parse(rig.logs({{"since", "2100-01-01T00:00:00Z"}}).text).empty());
  CHECK(rig.logs({{"since", "yesterday"}}).rc == FBX_ARGUMENT);
}

TEST_CASE("a line that is longer than the engine's pieces stays one line") {
  require_engine();
  Rig rig;
  rig.start("a", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo next");
  wait_until_ended(rig, "a");
  const auto lines = parse(rig.logs({}).text);
  REQUIRE(lines.size() == 2);
  CHECK((lines[0].text == std::string(100000, 'x')));
  CHECK(lines[1].text == "next");
}

TEST_CASE("many lines arrive all, in order") {
  require_engine();
  Rig rig;
  rig.start("a", "seq 1 50000");
  rig.start("b", "seq 1 20000");
  wait_until_ended(rig, "a");
  wait_until_ended(rig, "b");
  int a = 0;
  int b = 0;
  bool ordered = true;
  for (const Line& line : parse(rig.logs({}).text)) {
    int& count = line.service == "a" ? a : b;
    ordered = ordered && line.text == std::to_string(++count);
  }
  CHECK(ordered);
  CHECK(a == 50000);
  CHECK(b == 20000);
}

TEST_CASE("a terminal's log is read as well") {
  require_engine();
  Rig rig;
  rig.start("a", "echo one; echo two", {{"Tty", true}});
  wait_until_ended(rig, "a");
  const auto lines = parse(rig.logs({}).text);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == Line{"a", "stdout", "one"});
}

TEST_CASE(
    "following goes on across a restart and for new containers, and ends well when cancelled") {
  require_engine();
  Rig rig;
  const std::string id = rig.start("a", "echo first; sleep 60");
  rig.start("b", "sleep 60");
  REQUIRE(eventually([&] { return !rig.logs({}).text.empty(); }));

  int wake[2];
  REQUIRE(::pipe(wake) == 0);
  fusebox::test::FakeHost& host = rig.host;
  host.cancel_fd = wake[0];
  std::mutex mutex;
  std::string seen;
  Answer answer;
  std::thread follower([&] {
    answer = rig.ask([&](auto& runtime, fbx::Op& op) {
      struct Collector {
        std::mutex& mutex;
        std::string& text;
      } collector{mutex, seen};
      const fbx_sink sink{&collector, [](void* context, fbx_span bytes) -> std::int32_t {
                            auto& c = *static_cast<Collector*>(context);
                            const std::scoped_lock lock(c.mutex);
                            c.text.append(reinterpret_cast<const char*>(bytes.ptr), bytes.len);
                            return FBX_OK;
                          }};
      runtime.logs(op, R"({"follow":true,"tail":-1})", fbx::Sink(sink));
      return std::string();
    });
  });
  const auto count = [&](const std::string& text) {
    const std::scoped_lock lock(mutex);
    int n = 0;
    for (const Line& line : parse(seen)) n += line.text == text ? 1 : 0;
    return n;
  };
  CHECK(eventually([&] { return count("first") == 1; }));
  rig.engine().post("/containers/" + id + "/restart?t=0");
  CHECK(eventually([&] { return count("first") == 2; }));
  rig.start("b", "echo newcomer; sleep 60");
  CHECK(eventually([&] { return count("newcomer") == 1; }));
  CHECK(::write(wake[1], "x", 1) == 1);
  follower.join();
  CHECK(answer.rc == FBX_OK);
  CHECK(count("first") == 2);
  host.cancel_fd = -1;
  ::close(wake[0]);
  ::close(wake[1]);
}
