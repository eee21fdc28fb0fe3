// SPDX-License-Identifier: Apache-2.0
// A connection that starts as an HTTP request and goes on as a plain stream in both directions.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/deadline.hpp"
#include "common/docker/address.hpp"

namespace fbx::docker {

class Hijack {
 public:
  // Connects, sends POST `path` with `body` as JSON, and reads the answer's head. Throws as
  // Engine's methods do, EngineError when the engine says no.
  Hijack(const Address& address, std::string_view path, std::string_view body,
         const common::Deadline& deadline);
  Hijack(Hijack&&) noexcept;
  Hijack& operator=(Hijack&&) noexcept;
  ~Hijack();

  int fd() const;  // for poll()

  enum class Got { bytes, nothing, end };
  // Without waiting. `count`: how many bytes of `buffer` are filled.
  Got read(std::span<char> buffer, std::size_t& count);
  // Without waiting; how many bytes were taken.
  std::size_t write(std::string_view bytes);
  // The other side reads an end of file; it can still be read from.
  void end_of_input();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fbx::docker
