// SPDX-License-Identifier: Apache-2.0
// The Docker Engine API, as far as fusebox speaks it. No process is ever started here.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <fusebox/plugin.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/docker/transfer.hpp"
#include "common/docker/types.hpp"

namespace fbx::docker {

// {"label":["com.docker.compose.project=x"]}, as the API's `filters`.
using Filters = std::map<std::string, std::vector<std::string>>;

// The containers, volumes or networks of one Compose project.
Filters of_project(std::string_view project);

// The engine answered, with a status that means no. The result code follows from the status: 404
// FBX_NOT_FOUND, 409 FBX_CONFLICT, 403 FBX_DENIED, 503 FBX_UNAVAILABLE, others FBX_IO.
class EngineError : public Error {
 public:
  EngineError(long status, std::string what, std::string hint);
  long status() const { return status_; }

 private:
  long status_;
};

enum class All { no, yes };

// The same call without its cancellation, for what must be put right after it: lasts a little while
// at most. Must not outlive the op.
class Afterwards {
 public:
  explicit Afterwards(const Op& op);
  Afterwards(const Afterwards&) = delete;
  Afterwards& operator=(const Afterwards&) = delete;
  const Op& op() const { return op_; }

 private:
  fbx_host host_;
  Op op_;
};

// One op's conversation with an engine: make one per call, it is cheap. Every method may throw
//   EngineError          the engine says no
//   FBX_UNAVAILABLE      no engine at the address, or it went away
//   FBX_DENIED           the socket may not be opened
//   FBX_TIMEOUT          no answer within `patience`
//   FBX_CANCELLED        the operator's wish
//   FBX_IO               the answer is not what an engine says
// `op` must outlive the engine.
class Engine {
 public:
  Engine(const Op& op, Address address,
         std::chrono::milliseconds patience = std::chrono::seconds{30});

  const Address& address() const { return transfers_.address(); }
  const Op& op() const { return *op_; }
  Transfers& transfers() { return transfers_; }

  // ---- Questions ----
  void ping();
  Version version();
  Info info();
  // All: also those that do not run.
  std::vector<Container> containers(const Filters& filters, All all = All::yes);
  // In full and at once; those that vanish meanwhile are left out.
  std::vector<ContainerDetails> inspect(const std::vector<Container>& containers);
  ContainerDetails inspect(std::string_view id);
  std::optional<Image> image(std::string_view reference_or_id);
  std::vector<Volume> volumes(const Filters& filters);
  std::optional<Volume> volume(std::string_view name);
  // All volumes with `bytes` measured by the engine, which takes it some time.
  std::vector<Volume> measured_volumes();
  std::vector<Network> networks(const Filters& filters);

  // ---- Effects ----
  // Each returns false when it was so already.
  bool start(std::string_view id);
  bool stop(std::string_view id, std::optional<std::chrono::seconds> grace = std::nullopt);
  bool remove_container(std::string_view id);  // also a running one; its named volumes stay
  bool remove_volume(std::string_view name);
  bool remove_image(std::string_view reference_or_id);
  // Gives an image one more name: "redis:7".
  void tag(std::string_view id, std::string_view reference);

  // ---- Whatever else the API offers; paths without the version: "/containers/json?all=1" ----
  json::value get(std::string_view path);
  json::value post(std::string_view path, const json::value& body = nullptr);
  json::value post_raw(std::string_view path, common::WipedText body);  // a body with secrets
  void remove(std::string_view path);
  // A request that goes on: its answer's head is here and its status is good.
  Stream open(std::string_view method, std::string_view path,
              std::optional<std::string> upload = std::nullopt);
  // Throws the EngineError of an answer that has one.
  void check_status(Stream& stream);

  // "/v1.41", the newest version that both sides speak. Asks once.
  const std::string& api();
  // True when the engine speaks at least that version of the API: 1, 42.
  bool speaks(int major, int minor);

 private:
  common::Deadline patience() const;
  Stream start_call(std::string_view method, std::string_view path, common::WipedText body,
                    std::optional<std::string> upload);
  void await_answer(Stream& stream);
  std::string read_all(Stream& stream);
  json::value ask(std::string_view method, std::string_view path, common::WipedText body);

  const Op* op_;
  std::chrono::milliseconds patience_;
  Transfers transfers_;
  std::string api_;
};

}  // namespace fbx::docker
