// SPDX-License-Identifier: Apache-2.0
// A Compose project's containers on a real engine, made through its API: what the runtime library
// meets, without Compose itself.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "busybox_image.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "common/docker/engine.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

namespace engine_test {

namespace json = boost::json;
namespace docker = fbx::docker;
namespace compose_runtime = fbx::compose_runtime;
using fusebox::test::Answer;

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

class Rig {
 public:
  // On the engine that DOCKER_HOST names, or another.
  explicit Rig(const docker::Wish& wish = {});
  // Removes the project's containers and volumes.
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Makes a container of a service that runs `script` in a shell; `more` goes over the request of
  // /containers/create. Its id.
  std::string create(const std::string& service, const std::string& script, json::object more = {});
  std::string start(const std::string& service, const std::string& script, json::object more = {});

  // What a mount of the volume `key` at `folder` looks like in `more`.
  json::object mounts(const std::string& key, const std::string& folder) const;
  std::string volume(const std::string& key) const { return project + "_" + key; }

  // Calls the runtime as the host does; what it throws becomes the answer's code and text.
  Answer ask(const std::function<std::string(compose_runtime::ComposeRuntime&, fbx::Op&)>& body);
  Answer services(json::object request = {});
  Answer endpoint(json::object request);
  Answer logs(json::object request);
  // What the program wrote on stdout, then on stderr.
  Answer exec(json::object request, const std::string& input, std::string& out, std::string& err);
  json::value service(std::string_view name, std::string_view member);
  // What a shell in a running service prints.
  std::string shell(const std::string& service, const std::string& script);

  docker::Engine& engine() { return engine_; }
  static const char* image();

  fusebox::test::TempDir dir;
  std::string project;
  std::optional<compose_runtime::Layout> layout;
  fusebox::test::FakeHost host;

 private:
  Call call_;
  docker::Engine engine_;
  compose_runtime::ComposeRuntime runtime_;
};

// A whole file.
std::string read(const std::filesystem::path& file);

// Waits until `condition` holds, at most `limit`; false when it never did.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(20));

}  // namespace engine_test
