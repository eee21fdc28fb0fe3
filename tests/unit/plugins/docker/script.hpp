// SPDX-License-Identifier: Apache-2.0
// An engine that says what a test tells it to, and a conversation with it.
#pragma once

#include <map>
#include <string>

#include "common/docker/engine.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"
#include "support/unix_server.hpp"

namespace engine_script {

namespace docker = fbx::docker;
using fusebox::test::Conversation;

// By "GET /containers/json", without version and query. What is not there gets 404; the ping
// answers as an engine of API 1.41, unless it is there.
using Answers = std::map<std::string, fusebox::test::UnixServer::Handler>;

// One op of the tests' own host.
class Call {
 public:
  Call() : raw_{&host, {}}, op_(&fusebox::test::fake::table, &raw_) {}
  fbx::Op& op() { return op_; }
  fusebox::test::FakeHost host;

 private:
  fbx_op raw_;
  fbx::Op op_;
};

class Script {
 public:
  explicit Script(Answers answers)
      : server(dir / "engine.sock", [all = std::move(answers)](Conversation& talk) {
          std::string path = talk.target.substr(0, talk.target.find('?'));
          if (path.starts_with("/v1.")) path.erase(0, path.find('/', 1));
          const auto found = all.find(talk.method + " " + path);
          if (found != all.end())
            found->second(talk);
          else if (path == "/_ping")
            talk.answer(200, "OK");
          else
            talk.answer(404, R"({"message":"page not found"})");
        }) {}

  docker::Address address() const {
    return docker::find_engine({"unix://" + (dir / "engine.sock").string(), ""});
  }
  docker::Engine engine(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    return {call.op(), address(), patience};
  }

  fusebox::test::TempDir dir;
  fusebox::test::UnixServer server;
  Call call;
};

// What a body throws, as its result code and its two texts.
struct Thrown {
  fbx_rc rc = FBX_OK;
  std::string what;
  std::string hint;
};
template <class Body>
Thrown thrown(Body&& body) {
  try {
    body();
    return {};
  } catch (const fbx::Error& e) {
    return {e.rc(), e.what(), e.hint()};
  }
}

// An answer with one body, again and again.
inline fusebox::test::UnixServer::Handler says(std::string json, int status = 200) {
  return [json = std::move(json), status](Conversation& talk) { talk.answer(status, json); };
}

// One frame of the engine's two-in-one stream.
inline std::string frame(char channel, const std::string& text) {
  std::string out{channel, '\0', '\0', '\0'};
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>((text.size() >> static_cast<unsigned>(shift)) & 0xffU);
  return out + text;
}

}  // namespace engine_script
