// SPDX-License-Identifier: Apache-2.0
#include "logs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

// Reads one service's files from the oldest to the newest, then what is added, across rotations.
class Reader {
 public:
  Reader(std::string service, const fs::path& file, int files)
      : service_(std::move(service)), file_(file) {
    for (int n = files; n > 0; --n) older_.push_back(numbered(n));
  }

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
  std::string numbered(int n) const { return fmt::format("{}.{}", file_.string(), n); }

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
      }
      if (!open_next()) return false;
    }
  }

  bool open_next() {
    while (!older_.empty()) {
      const std::string file = std::move(older_.front());
      older_.pop_front();
      if (open(file)) return true;
    }
    struct ::stat now {};
    if (::stat(file_.c_str(), &now) != 0) return false;
    if (fd_ && now.st_ino == inode_) return false;
    // Rotated since: what we read is now an older one, and there may be others in between.
    if (fd_) {
      for (int n = 1; n < 100; ++n) {
        struct ::stat older {};
        if (::stat(numbered(n).c_str(), &older) != 0 || older.st_ino == inode_) break;
        older_.push_front(numbered(n));
      }
      if (!older_.empty()) return open_next();
    }
    return open(file_.string());
  }

  bool open(const std::string& file) {
    Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct ::stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return false;
    inode_ = status.st_ino;
    fd_ = std::move(fd);
    return true;
  }

  std::string service_;
  fs::path file_;
  std::deque<std::string> older_;
  Fd fd_;
  ::ino_t inode_ = 0;
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
                                          {"line", line.text}}) +
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
