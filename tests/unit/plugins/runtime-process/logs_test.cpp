// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <mutex>
#include <thread>

#include "rig.hpp"
#include "util/cancel.hpp"

using namespace runtime_test;
using namespace std::chrono_literals;

namespace {

std::vector<json::object> lines_of(const std::string& ndjson) {
  std::vector<json::object> lines;
  for (std::size_t at = 0; at < ndjson.size();) {
    const std::size_t end = ndjson.find('\n', at);
    lines.push_back(json::parse(std::string_view(ndjson).substr(at, end - at)).as_object());
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> texts_of(const std::string& ndjson) {
  std::vector<std::string> texts;
  for (const json::object& line : lines_of(ndjson)) texts.emplace_back(line.at("line").as_string());
  return texts;
}

}  // namespace

TEST_CASE("logs of several services come merged by time, with stream and service") {
  Rig rig({{"a", shell("echo a1; sleep 0.2; echo a2 >&2")}, {"b", shell("sleep 0.1; echo b1")}});
  rig.run("up");
  const Answer answer = rig.ask(&fbx_runtime_v1::logs);
  CHECK(texts_of(answer.text) == std::vector<std::string>{"a1", "b1", "a2"});
  const auto lines = lines_of(answer.text);
  CHECK(lines.at(2).at("stream") == "stderr");
  CHECK(lines.at(1).at("service") == "b");
  CHECK(runtime_process::parse_time(lines.at(0).at("time").as_string()));
  CHECK(texts_of(rig.ask(&fbx_runtime_v1::logs, {{"tail", 1}}).text) ==
        std::vector<std::string>{"b1", "a2"});
  CHECK(texts_of(rig.ask(&fbx_runtime_v1::logs, {{"services", {"b"}}}).text) ==
        std::vector<std::string>{"b1"});
}

TEST_CASE("since leaves out what is older") {
  Rig rig({{"a", shell("echo old; sleep 1; echo new")}});
  rig.run("up");
  CHECK(texts_of(rig.ask(&fbx_runtime_v1::logs, {{"since", "500ms"}}).text) ==
        std::vector<std::string>{"new"});
  CHECK(texts_of(rig.ask(&fbx_runtime_v1::logs, {{"since", "1h"}}).text).size() == 2);
  CHECK(rig.ask(&fbx_runtime_v1::logs, {{"since", "2000-01-01T00:00:00Z"}}).rc == FBX_OK);
  CHECK(rig.ask(&fbx_runtime_v1::logs, {{"since", "yesterday"}}).what ==
        "\"yesterday\" is neither a duration nor a time");
}

TEST_CASE("follow goes on across rotations, loses nothing, and ends well by cancellation") {
  Rig rig(
      {{"a", shell("i=0; while [ $i -lt 600 ]; do echo \"line $i of many, many more\"; i=$((i+1)); "
                   "[ $((i % 20)) -eq 0 ] && sleep 0.02; done",
                   {{"log_max_size", 4096}, {"log_files", 20}})}});
  fusebox::util::CancelToken token;
  rig.host.cancel_fd = token.fd();
  Answer answer;
  std::thread follower([&] {
    // Begins before there is a file.
    answer = rig.ask(&fbx_runtime_v1::logs, {{"follow", true}});
  });
  rig.run("up");
  std::this_thread::sleep_for(400ms);
  token.cancel();
  follower.join();
  CHECK(answer.rc == FBX_OK);
  const auto texts = texts_of(answer.text);
  REQUIRE(texts.size() == 600);
  for (std::size_t i = 0; i < texts.size(); ++i)
    CHECK(texts[i] == fmt::format("line {} of many, many more", i));
}

TEST_CASE("logs stay readable after the service is down") {
  Rig rig({{"a", shell("echo bye")}});
  rig.run("up");
  rig.run("down");
  CHECK(texts_of(rig.ask(&fbx_runtime_v1::logs).text) == std::vector<std::string>{"bye"});
}
