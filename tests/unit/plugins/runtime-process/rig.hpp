// SPDX-License-Identifier: Apache-2.0
// The built plugin in the tests' small host, in a folder of its own, with services as JSON.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "runtime-process/record.hpp"
#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

namespace runtime_test {

namespace json = boost::json;
namespace fs = std::filesystem;
using fusebox::test::Answer;
using runtime_process::Record;

// A service whose shell script says "up" in a file, which makes it ready, and then waits.
// `script` runs before that.
json::object shell(std::string script = "", json::object more = {});

class Rig {
 public:
  explicit Rig(json::object services);
  // Stops what is left, whatever a test did to it.
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // The same folder and journal with another configuration, as the next command would see it.
  void configure(json::object services);

  Answer plan(std::string_view verb, json::object with = {});
  Answer run(std::string_view verb, json::object with = {});
  // Undo of the run so far, by the checkpoints alone.
  Answer undo(std::string_view verb = "up");
  Answer ask(fbx_rc (*fbx_runtime_v1::*slot)(fbx_instance*, fbx_op*, fbx_str, fbx_sink),
             json::object request = {});
  Answer exec(json::object request, int in, int out, int err);
  Answer transfer(fbx_rc (*fbx_runtime_v1::*slot)(fbx_instance*, fbx_op*, fbx_str, std::int32_t,
                                                  fbx_sink),
                  const std::string& volume, int fd, const json::object& more = {});

  // A member of a service as services() tells it.
  json::value service(std::string_view name, std::string_view member);
  std::string state(std::string_view name);
  std::optional<Record> record(std::string_view name) const;
  // A file of the service's data folder; "" when it is not there.
  std::string data(std::string_view service, std::string_view file) const;
  std::string log(std::string_view service) const;

  fs::path data_dir() const { return dir.path() / "data"; }
  fs::path state_dir() const { return dir.path() / "state"; }

  fusebox::test::TempDir dir;
  fusebox::test::FakeHost host;
  std::string run_id = "run-1";

 private:
  std::string request(std::string_view verb, json::object with) const;
  std::unique_ptr<fusebox::test::ConfiguredPlugin> plugin_;
};

// The summary of a step's answer; its error when it failed.
std::string summary(const Answer& answer);
bool changed(const Answer& answer);

// Waits until `condition` holds, at most `limit`; false when it never did.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(10));

}  // namespace runtime_test
