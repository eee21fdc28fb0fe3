// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/log_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/time_text.hpp"

namespace fbx::compose_runtime {

namespace {

constexpr std::size_t to_the_second = 19;  // of "2026-11-23T10:00:00.123456789Z"
constexpr std::int64_t nanoseconds = 1'000'000'000;

// "2026-11-23T10:00:00.123456789Z text"
std::pair<std::string, std::string_view> split_time(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos || space <= to_the_second || text[4] != '-')
    return {"", text};
  return {std::string(text.substr(0, space)), text.substr(space + 1)};
}

}  // namespace

std::string since_after(std::string_view time) {
  if (time.size() <= to_the_second) return {};
  const auto whole = common::parse_time(std::string(time.substr(0, to_the_second)) + "Z");
  if (!whole) return {};
  std::int64_t nanos = 0;
  std::int64_t scale = nanoseconds / 10;
  for (std::size_t i = to_the_second + 1; i < time.size() && time[i] >= '0' && time[i] <= '9';
       ++i) {
    nanos += (time[i] - '0') * scale;
    scale /= 10;
  }
  auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(whole->time_since_epoch()).count();
  if (++nanos == nanoseconds) {
    nanos = 0;
    ++seconds;
  }
  return fmt::format("{}.{:09}", seconds, nanos);
}

LogReader::LogReader(std::string service, std::string container, docker::Stream stream, bool tty)
    : service_(std::move(service)),
      container_(std::move(container)),
      stream_(std::move(stream)),
      tty_(tty) {}

const LogLine* LogReader::peek() {
  while (lines_.empty() && !stream_.bytes().empty()) {
    // In pieces, so that one chatty service is not all in memory.
    const std::string_view bytes = stream_.bytes().substr(0, 65536);
    take(bytes);
    stream_.consume(bytes.size());
  }
  if (lines_.empty() && stream_.ended() && !flushed_) {
    flushed_ = true;
    if (tty_ && !frame_.empty()) {
      frame_ += '\n';
      end_raw_lines();
    }
    for (auto& open : open_)
      if (open) lines_.push_back(*std::exchange(open, std::nullopt));
  }
  return lines_.empty() ? nullptr : &lines_.front();
}

bool LogReader::ended() {
  if (peek() != nullptr || !stream_.ended()) return false;
  stream_.check();
  return true;
}

void LogReader::take(std::string_view bytes) {
  if (tty_) {
    frame_ += bytes;
    end_raw_lines();
    return;
  }
  frames_.feed(bytes,
               [this](docker::Channel channel, std::string_view piece, docker::Frames::Part part) {
                 frame_ += piece;
                 if (part == docker::Frames::Part::last)
                   end_frame(channel, std::exchange(frame_, {}));
               });
}

void LogReader::end_frame(docker::Channel channel, std::string_view frame) {
  auto [time, text] = split_time(frame);
  auto& open = open_[static_cast<std::size_t>(channel)];
  if (!open) open = LogLine{std::move(time), channel, {}};
  const bool whole = text.ends_with('\n');
  if (whole) text.remove_suffix(1);
  open->text += text;
  if (!whole) return;
  if (open->text.ends_with('\r')) open->text.pop_back();
  lines_.push_back(*std::exchange(open, std::nullopt));
}

void LogReader::end_raw_lines() {
  std::size_t start = 0;
  for (auto end = frame_.find('\n'); end != std::string::npos; end = frame_.find('\n', start)) {
    std::string_view line(frame_.data() + start, end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto [time, text] = split_time(line);
    lines_.push_back({time, docker::Channel::out, std::string(text)});
    start = end + 1;
  }
  frame_.erase(0, start);
}

}  // namespace fbx::compose_runtime
