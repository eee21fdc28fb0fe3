// SPDX-License-Identifier: Apache-2.0
#include "logs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <common/utf8.hpp>
#include <deque>
#include <fusebox/plugin.hpp>

#include "outline.hpp"
#include "request.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

constexpr std::size_t time_length = 24;
constexpr milliseconds follow_interval{100};

struct Line {
  std::string service;
  std::string time;  // sorts as text
  std::string stream;
  std::string text;
};

Line parse_line(const std::string& service, std::string_view text) {
  Line line{service, "", "stdout", std::string(text)};
  const std::size_t space = text.find(' ', time_length + 1);
  if (text.size() <= time_length || text[time_length] != ' ' || space == std::string_view::npos ||
      !parse_time(text.substr(0, time_length)))
    return line;
  line.time = text.substr(0, time_length);
  line.stream = text.substr(time_length + 1, space - time_length - 1);
  line.text = text.substr(space + 1);
  return line;
}

// Reads one service's files from the oldest to the newest, then what is added, across rotations. A
// rotation may come between any two steps here, so a file is known by its inode, never by its name.
class Reader {
 public:
  Reader(std::string service, const fs::path& file, int files)
      : service_(std::move(service)), file_(file), files_(files) {}

  // The next whole line; nothing when there is no more for now.
  std::optional<Line> next() {
    for (;;) {
      const std::size_t end = buffer_.find('\n', at_);
      if (end != std::string::npos) {
        Line line = parse_line(service_, std::string_view(buffer_).substr(at_, end - at_));
        at_ = end + 1;
        return line;
      }
      buffer_.erase(0, at_);
      at_ = 0;
      if (!read_more()) return std::nullopt;
    }
  }

 private:
  // 0: the file that is written to; 1: the one before it, ...
  std::string name(int n) const {
    return n == 0 ? file_.string() : fmt::format("{}.{}", file_.string(), n);
  }

  std::optional<::ino_t> inode_of(int n) const {
    struct ::stat status {};
    if (::stat(name(n).c_str(), &status) != 0) return std::nullopt;
    return status.st_ino;
  }

  bool read_more() {
    for (;;) {
      if (fd_) {
        std::array<char, 65536> chunk;
        const ssize_t n = ::read(fd_.get(), chunk.data(), chunk.size());
        if (n > 0) {
          buffer_.append(chunk.data(), static_cast<std::size_t>(n));
          return true;
        }
        if (n < 0 && errno == EINTR) continue;
        // What was written between our last read and the rotation is still to be read.
        if (!complete_ && inode_of(0) != inode_) {
          complete_ = true;
          continue;
        }
      }
      if (!open_next()) return false;
    }
  }

  // Opens the file after the one that is open, or the oldest; false when there is none.
  bool open_next() {
    if (fd_ && !complete_) return false;
    for (int attempt = 0; attempt < 10; ++attempt) {
      int oldest = -1;
      int ours = -1;
      for (int n = 0; n <= files_ + 1; ++n) {
        const auto inode = inode_of(n);
        if (inode) oldest = n;
        if (inode && fd_ && *inode == inode_) ours = n;
      }
      if (ours == 0 || oldest < 0) return false;
      if (open(ours > 0 ? ours - 1 : oldest, ours)) return true;
    }
    return false;
  }

  // Opens file `n`, provided that the one that is open is still `ours`, or was gone already.
  bool open(int n, int ours) {
    Fd fd(::open(name(n).c_str(), O_RDONLY | O_CLOEXEC));
    struct ::stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return false;
    if (ours > 0 && inode_of(ours) != inode_) return false;
    inode_ = status.st_ino;
    fd_ = std::move(fd);
    complete_ = false;
    return true;
  }

  std::string service_;
  fs::path file_;
  int files_;
  Fd fd_;
  ::ino_t inode_ = 0;
  bool complete_ = false;  // nobody writes to the open file any more
  std::string buffer_;
  std::size_t at_ = 0;
};

struct Filter {
  std::string since;  // as Line::time; empty: from the beginning
  std::int64_t tail = -1;
};

Filter read_filter(const json::object& request) {
  Filter filter;
  if (const json::value* tail = request.if_contains("tail"); tail != nullptr && tail->is_number())
    filter.tail = tail->to_number<std::int64_t>();
  const std::string since = string_at(request, "since");
  if (since.empty()) return filter;
  if (const auto duration = parse_duration(since))
    filter.since = format_time(std::chrono::system_clock::now() - *duration);
  else if (const auto time = parse_time(since))
    filter.since = format_time(*time);
  else
    throw fbx::Error(FBX_ARGUMENT, fmt::format("\"{}\" is neither a duration nor a time", since),
                     "write 10m, 2h, or 2026-11-23T10:00:00Z");
  return filter;
}

void emit(const fbx::Sink& sink, const Line& line) {
  sink.write(json::serialize(json::object{{"service", line.service},
                                          {"time", line.time},
                                          {"stream", line.stream},
                                          {"line", fbx::common::valid_utf8(line.text)}}) +
             "\n");
}

// Merges by time; of equal times the order of the services counts.
class Merge {
 public:
  Merge(std::vector<Reader> readers, Filter filter)
      : readers_(std::move(readers)), filter_(std::move(filter)), heads_(readers_.size()) {}

  // All there is by now. `tail` applies to the first call only.
  void drain(const Wait& wait, const fbx::Sink& sink) {
    if (filter_.tail >= 0) {
      drain_tail(wait, sink);
      return;
    }
    for (;;) {
      for (std::size_t i = 0; i < readers_.size(); ++i)
        while (!heads_[i] && (heads_[i] = readers_[i].next()))
          if (heads_[i]->time < filter_.since) heads_[i].reset();
      const auto first = std::min_element(
          heads_.begin(), heads_.end(),
          [](const auto& a, const auto& b) { return a && (!b || a->time < b->time); });
      if (first == heads_.end() || !*first) return;
      emit(sink, **first);
      first->reset();
    }
  }

 private:
  void drain_tail(const Wait& wait, const fbx::Sink& sink) {
    std::vector<Line> lines;
    for (Reader& reader : readers_) {
      std::deque<Line> last;
      while (auto line = reader.next()) {
        if (line->time < filter_.since) continue;
        last.push_back(std::move(*line));
        if (last.size() > static_cast<std::size_t>(filter_.tail)) last.pop_front();
      }
      wait.check("reading the logs");
      std::move(last.begin(), last.end(), std::back_inserter(lines));
    }
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.time < b.time; });
    for (const Line& line : lines) emit(sink, line);
    filter_.tail = -1;
  }

  std::vector<Reader> readers_;
  Filter filter_;
  std::vector<std::optional<Line>> heads_;
};

}  // namespace

void stream_logs(fbx::Op& op, const Settings& settings, std::string_view text,
                 const fbx::Sink& sink) {
  const json::object request = parse_request(text);
  std::vector<Reader> readers;
  for (const Service* service : select(settings, strings_at(request, "services")))
    readers.emplace_back(service->name, settings.log_file(service->name), service->log_files);
  Merge merge(std::move(readers), read_filter(request));
  const Wait wait(op);
  merge.drain(wait, sink);
  if (!bool_at(request, "follow")) return;
  try {
    for (;;) {
      wait.pause(follow_interval, "following the logs");
      merge.drain(wait, sink);
    }
  } catch (const fbx::Error& e) {
    if (e.rc() != FBX_CANCELLED && e.rc() != FBX_TIMEOUT) throw;
  }
}

}  // namespace runtime_process
