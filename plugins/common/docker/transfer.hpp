// SPDX-License-Identifier: Apache-2.0
// HTTP with one engine: any number of requests at once, each a stream that is pulled.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include "common/deadline.hpp"
#include "common/wiped.hpp"

#include "common/docker/address.hpp"

namespace fbx::docker {

struct Call {
  std::string method = "GET";
  std::string path;          // "/containers/json?all=1", with the API version where one is meant
  common::WipedText body{};  // sent as JSON; may hold secrets
  // The body comes from Stream::feed instead; then its content type.
  std::optional<std::string> upload{};
};

// One request under way. Moves on only within Transfers::turn.
class Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();  // ends the request if it still runs

  bool answered() const;  // the answer's head is here
  long status() const;    // once answered
  std::string header(const std::string& lower_case_name) const;

  // What has come and was not consumed yet. A reader who is slow slows the engine down.
  std::string_view bytes() const;
  void consume(std::size_t count);

  bool ended() const;  // nothing more will come; bytes() may still hold some
  // Throws Error when the transfer broke, saying what it was doing; nothing while it runs.
  void check() const;

  // Uploads: whether the engine took what was fed, more of it, and its end.
  bool hungry() const;
  void feed(std::string_view bytes);
  void finish();

  const std::string& what() const;  // "GET /containers/json"

  struct State;
  explicit Stream(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

// The connections to one engine. Not to be shared between threads.
class Transfers {
 public:
  explicit Transfers(Address address);
  Transfers(Transfers&&) noexcept;
  Transfers& operator=(Transfers&&) noexcept;
  ~Transfers();  // its streams must be gone

  const Address& address() const;

  Stream start(Call call);

  // Moves all streams on; waits for something to happen, at most until the deadline or `most`.
  // Throws Error{FBX_CANCELLED}.
  void turn(const common::Deadline& deadline,
            std::chrono::milliseconds most = std::chrono::milliseconds{1000});

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace fbx::docker
