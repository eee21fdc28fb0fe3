// SPDX-License-Identifier: Apache-2.0
// Two services "a" and "b" of a runtime, through the real host. What they are made of is the
// subject's business; what is asked of them is the same for every runtime.
#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"
#include "support/temp_dir.hpp"
#include "util/error.hpp"

namespace contract {

namespace json = boost::json;
namespace fs = std::filesystem;

// What "a" runs, in a shell, with its data folder in $DATA: it says something on both streams,
// keeps a file, is ready once that is there, and ends with code 0 when it is told to stop.
inline constexpr const char* script_a =
    "trap 'exit 0' TERM; echo hello from a; echo trouble >&2; printf 'bad \\377 byte\\n'; "
    "test -e $DATA/file || echo precious > $DATA/file; touch $DATA/ready; "
    "while :; do sleep 0.05; done";
// The same for "b", which is started after it.
inline constexpr const char* script_b =
    "trap 'exit 0' TERM; echo hello from b; touch $DATA/ready; while :; do sleep 0.05; done";

// Implemented once per runtime, and chosen when linking.
class Subject {
 public:
  virtual ~Subject() = default;
  // The plugin's id.
  virtual std::string plugin() const = 0;
  // Writes what the runtime needs into `dir`, and gives the settings of its instance as TOML. Port
  // 8080 of "a" is to be published on `port`. The data are in volumes "a" and "b". TOKEN of the
  // environment of "a" is the secret TOKEN.
  virtual std::string settings(const fs::path& dir, int port) = 0;
};
std::unique_ptr<Subject> make_subject();

class Rig {
 public:
  Rig();
  // Takes everything down, whatever a test did.
  ~Rig();
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  json::object run(const std::string& verb, json::object with = {});
  // By name.
  std::map<std::string, json::object> services();
  std::vector<json::object> logs(json::object request);
  // What the command printed on stdout, and its code.
  std::string exec(json::object request, const std::string& input = "");
  json::object volume(bool out, const std::string& name, int fd);
  json::object stage(const std::string& name, const std::string& tag, int fd);
  void turn(const std::string& name, const std::string& tag, const std::string& to);

  fusebox::plugin::CallContext context();
  fusebox::plugin::Host& host() { return *host_; }

  static constexpr const char* instance = "subject";
  fusebox::test::TempDir dir;
  int port = 0;

 private:
  std::unique_ptr<Subject> subject_;
  json::array checkpoints_;
  fusebox::config::Config config_;
  fusebox::plugin::Catalog catalog_;
  fusebox::secrets::Store store_;
  std::vector<fusebox::config::Problem> problems_;
  std::unique_ptr<fusebox::plugin::Host> host_;
};

}  // namespace contract
