// SPDX-License-Identifier: Apache-2.0
#include "common/beside.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>

#include "common/io.hpp"
#include "common/json.hpp"
#include "common/pipe_signal.hpp"
#include "common/result.hpp"

namespace fbx::common {

namespace {

constexpr std::size_t kMaxOut = 16U << 20U;

// Reads a pipe on a thread of its own until its end, or until the program is over and nothing more
// comes: one that was left behind in the background may hold the other end for ever.
class Drain {
 public:
  Drain(Fd fd, std::size_t limit)
      : fd_(std::move(fd)), limit_(limit), thread_([this] { work(); }) {}
  ~Drain() { finish(); }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  void finish() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::string& text() { return text_; }
  bool overflowed() const { return overflowed_; }

 private:
  void work() {
    std::array<char, 16384> buffer{};
    for (;;) {
      pollfd ready{fd_.get(), POLLIN, 0};
      const bool was_over = over_;
      const int count = ::poll(&ready, 1, 100);
      if (count == 0 && was_over) return;
      if (count <= 0) continue;
      const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      text_.append(buffer.data(), static_cast<std::size_t>(got));
      if (text_.size() <= limit_) continue;
      overflowed_ = true;
      text_.erase(0, text_.size() - limit_);
    }
  }
  Fd fd_;
  std::size_t limit_;
  std::string text_;
  bool overflowed_ = false;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// Writes a text into a pipe from a thread of its own: the program may read it late, or never.
class Feed {
 public:
  explicit Feed(std::string text) : pipe_(make_pipe()) {
    thread_ = std::thread([fd = std::move(pipe_.write), text = std::move(text)] {
      const PipeSignalGuard guard;
      std::string_view rest = text;
      while (!rest.empty()) {
        const ssize_t put = ::write(fd.get(), rest.data(), rest.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return;  // the program does not read on: its exit code tells
        rest.remove_prefix(static_cast<std::size_t>(put));
      }
    });
  }
  ~Feed() {
    pipe_.read.reset();
    thread_.join();
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  int fd() const { return pipe_.read.get(); }

 private:
  Pipe pipe_;
  std::thread thread_;
};

// What exec() answers. Its own failure, not the program's, is thrown.
Finished execute(const Op& op, const Program& program, int out) {
  Pipe err = make_pipe();
  Drain errors(std::move(err.read), program.err_limit);
  const json::object request{
      {"service", program.service},
      {"command", json::array(program.command.begin(), program.command.end())},
      {"tty", false},
      {"environment", program.environment}};
  std::optional<Feed> feed;
  int in = program.stdin_fd;
  if (in < 0 && !program.stdin_text.empty()) in = feed.emplace(program.stdin_text).fd();
  Finished finished;
  try {
    const json::object answer =
        parse_object(op.runtime().exec(json::serialize(request), in, out, err.write.get()),
                     "the answer of the runtime");
    finished.exit_code = static_cast<int>(need_integer(answer, "exit_code"));
  } catch (const Reported& reported) {
    throw error_of(reported);
  }
  err.write.reset();
  errors.finish();
  finished.err = std::move(errors.text());
  return finished;
}

}  // namespace

Finished stream_beside(const Op& op, const Program& program, int fd) {
  return execute(op, program, fd);
}

Finished run_beside(const Op& op, const Program& program) {
  Pipe out = make_pipe();
  Drain output(std::move(out.read), kMaxOut);
  Finished finished = execute(op, program, out.write.get());
  out.write.reset();
  output.finish();
  if (output.overflowed())
    throw Error(FBX_IO, fmt::format("{} printed more than {} MiB", program.command.front(),
                                    kMaxOut >> 20U));
  finished.out = std::move(output.text());
  return finished;
}

Finished filter_beside(const Op& op, const Program& program,
                       const std::function<void(std::string_view)>& take) {
  Pipe out = make_pipe();
  Finished finished;
  std::exception_ptr failed;
  std::thread runner([&] {
    try {
      finished = execute(op, program, out.write.get());
    } catch (...) {
      failed = std::current_exception();
    }
    out.write.reset();
  });
  try {
    const Stream in(op, out.read.get(), "reading from " + program.command.front());
    std::array<char, 65536> buffer{};
    while (const std::size_t got = in.read(buffer)) take({buffer.data(), got});
  } catch (...) {
    out.read.reset();
    runner.join();
    throw;
  }
  runner.join();
  if (failed) std::rethrow_exception(failed);
  return finished;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const std::size_t at = text.rfind('\n');
  return one_line(at == std::string_view::npos ? text : text.substr(at + 1));
}

void require_success(const Finished& finished, std::string_view what, std::string_view hint) {
  if (finished.exit_code == 0) return;
  const std::string said = last_line(finished.err);
  throw Error(FBX_IO,
              fmt::format("{} failed with {}{}{}", what, finished.exit_code,
                          said.empty() ? "" : ": ", said),
              std::string(hint));
}

json::object answer_of(const std::function<std::string()>& call) {
  try {
    return parse_object(call(), "the answer of another plugin");
  } catch (const Reported& reported) {
    throw error_of(reported);
  }
}

Error error_of(const Reported& reported) {
  if (reported.detail().empty()) return {reported.rc(), "another plugin failed", ""};
  const json::object detail = parse_object(reported.detail(), "a failure");
  return {reported.rc(), text_at(detail, "what").value_or("another plugin failed"),
          text_at(detail, "hint").value_or("")};
}

}  // namespace fbx::common
