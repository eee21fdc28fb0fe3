// SPDX-License-Identifier: Apache-2.0
// Real Redis and MinIO under the container-less runtime, with what captures and restores them, in
// the real host.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"
#include "support/temp_dir.hpp"

namespace offline {

namespace json = boost::json;
namespace fs = std::filesystem;

inline const std::string tag = "20261124t0200007f3a";

// The code that `body` fails with, or "none".
std::string failure(const std::function<void()>& body);

class Rig {
 public:
  // `append_only`: the server's setting, "yes" or "no".
  explicit Rig(std::vector<std::string> services, const std::string& append_only = "yes");
  // Takes everything down, whatever a test did.
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  void run(const std::string& verb);
  // What a program beside a service prints; fails the test unless it ends with 0.
  std::string beside(const std::string& service, std::vector<std::string> command);
  std::string redis(std::vector<std::string> arguments);
  // MinIO's client; its server is "t": {"cat", "t/bucket/object"}.
  std::string mc(std::vector<std::string> arguments);

  // Instances are "queue" (Redis), "objects" (MinIO, hot) and "folder" (the volume of Redis, cold).
  json::object capture(const std::string& instance, const std::string& file);
  // As with capture()'s answer `captured`.
  json::object inspect(const std::string& instance, const std::string& file,
                       const json::object& captured);
  json::object stage(const std::string& instance, const std::string& file,
                     const json::object& captured);
  void turn(const std::string& instance, const std::string& to);
  json::object count(const std::string& instance, const json::object& captured,
                     bool digests = false);
  json::object sources(const std::string& instance);

  // Stages in a process of its own, that gets the first half of the stream and is then killed.
  void kill_stage(const std::string& instance, const std::string& file,
                  const json::object& captured);

  // Nothing of a tag, and no file that was put aside.
  bool clean() const;
  fs::path data() const { return dir / "data"; }

  fusebox::test::TempDir dir;

 private:
  json::object call(const std::string& function, const std::string& instance,
                    const json::object& request, const std::string& file = {});
  static json::object request_of(const json::object& captured);
  fusebox::plugin::CallContext context();

  std::vector<std::string> services_;
  json::array checkpoints_;
  fusebox::config::Config config_;
  fusebox::plugin::Catalog catalog_;
  fusebox::secrets::Store store_;
  std::vector<fusebox::config::Problem> problems_;
  std::unique_ptr<fusebox::plugin::Host> host_;
};

}  // namespace offline
