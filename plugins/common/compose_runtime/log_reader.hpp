// SPDX-License-Identifier: Apache-2.0
// One container's log, line by line.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/docker/engine.hpp"
#include "common/docker/frames.hpp"

namespace fbx::compose_runtime {

struct LogLine {
  std::string time;  // RFC 3339 with nanoseconds; sorts as text
  docker::Channel channel = docker::Channel::out;
  std::string text;
};

// "1764000000.000000001", as the API's `since` wants it. Nothing when `time` is none.
std::string since_after(std::string_view time);

class LogReader {
 public:
  // `tty`: the container has a terminal, so that its log is one stream.
  LogReader(std::string service, std::string container, docker::Stream stream, bool tty);

  const std::string& service() const { return service_; }
  const std::string& container() const { return container_; }

  // The next whole line that is here; nothing when more must come first, or none will.
  const LogLine* peek();
  void pop() { lines_.pop_front(); }

  // Nothing more will come, and nothing is left. Throws when the engine went away.
  bool ended();

 private:
  void take(std::string_view bytes);
  void end_frame(docker::Channel channel, std::string_view frame);
  void end_raw_lines();

  std::string service_;
  std::string container_;
  docker::Stream stream_;
  bool tty_;
  docker::Frames frames_;
  std::string frame_;                           // what is here of the current one
  std::array<std::optional<LogLine>, 3> open_;  // by channel: the engine splits long lines
  std::deque<LogLine> lines_;
  bool flushed_ = false;
};

}  // namespace fbx::compose_runtime
