// SPDX-License-Identifier: Apache-2.0
#include "common/docker/exec.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <cerrno>
#include <system_error>

#include "common/docker/frames.hpp"
#include "common/docker/hijack.hpp"
#include "common/http.hpp"
#include "common/json.hpp"
#include "common/pipe_signal.hpp"
#include "common/result.hpp"

namespace fbx::docker {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_pending = std::size_t{1} << 18U;
constexpr milliseconds patience{30000};
constexpr std::string_view not_started = "OCI runtime exec failed";

// ---- The request --------------------------------------------------------------------------------

// A JSON string, without a copy of the text anywhere else.
void append_quoted(common::WipedText& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20U) {
      out.append(fmt::format("\\u{:04x}", static_cast<unsigned>(c)));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

common::WipedText body_of(const Exec& exec, bool with_input) {
  json::object object{{"AttachStdin", with_input},
                      {"AttachStdout", true},
                      {"AttachStderr", true},
                      {"Tty", exec.tty},
                      {"Cmd", json::array(exec.command.begin(), exec.command.end())}};
  if (!exec.user.empty()) object["User"] = exec.user;
  if (!exec.folder.empty()) object["WorkingDir"] = exec.folder;
  std::string open = json::serialize(object);
  open.pop_back();
  common::WipedText body;
  std::size_t size = open.size() + 16;
  for (const auto& item : exec.environment) size += 2 * item.size() + 8;
  body.reserve(size);
  body.append(open);
  body.append(",\"Env\":[");
  for (std::size_t i = 0; i < exec.environment.size(); ++i) {
    if (i > 0) body.push_back(',');
    append_quoted(body, exec.environment[i].view());
  }
  body.append("]}");
  return body;
}

// ---- The terminal -------------------------------------------------------------------------------

// Every key goes to the program, also Ctrl-C. Back to what it was at the end.
class RawTerminal {
 public:
  explicit RawTerminal(int fd) : fd_(fd) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) {
      fd_ = -1;
      return;
    }
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(fd_, TCSADRAIN, &raw);
  }
  ~RawTerminal() {
    if (fd_ >= 0) ::tcsetattr(fd_, TCSADRAIN, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  bool on() const { return fd_ >= 0; }
  std::pair<int, int> size() const {  // rows, columns
    winsize size{};
    if (fd_ < 0 || ::ioctl(fd_, TIOCGWINSZ, &size) != 0) return {0, 0};
    return {size.ws_row, size.ws_col};
  }

 private:
  int fd_;
  termios before_{};
};

// ---- Moving bytes -------------------------------------------------------------------------------

// What the program wrote and its reader has not taken yet.
class Outlet {
 public:
  explicit Outlet(int fd) : fd_(fd) {
    struct ::stat status {};
    regular_ = fd_ >= 0 && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  }
  void add(std::string_view bytes) {
    if (fd_ >= 0) pending_.append(bytes);
  }
  bool full() const { return pending_.size() >= most_pending; }
  bool empty() const { return pending_.empty(); }
  int fd() const { return fd_; }

  // After poll() said that there is room.
  void write() {
    // A pipe that is ready has room for this much; more might block past a cancellation.
    const std::size_t count =
        regular_ ? pending_.size() : std::min<std::size_t>(pending_.size(), 4096);
    const common::PipeSignalGuard guard;
    const ssize_t written = ::write(fd_, pending_.data(), count);
    if (written >= 0) {
      pending_.erase(0, static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw Error(FBX_IO,
                  fmt::format("cannot pass on the program's output: {}",
                              std::generic_category().message(errno)),
                  "whoever reads the output must read all of it");
    }
  }

 private:
  int fd_;
  bool regular_ = false;
  std::string pending_;
};

class Session {
 public:
  Session(Engine& engine, Hijack& connection, const Exec& exec, std::string id, int in, int out,
          int err)
      : engine_(engine),
        connection_(connection),
        exec_(exec),
        id_(std::move(id)),
        in_(in),
        terminal_(exec.tty && in >= 0 && ::isatty(in) == 1 ? in : -1),
        out_(out),
        err_(err) {}

  // Until the program has ended and its output is passed on.
  void run() {
    while (!ended_ || !out_.empty() || !err_.empty()) {
      resize();
      receive();
      wait();
    }
  }

  // What the engine said instead of starting the program; empty when it did.
  const std::string& complaint() const { return complaint_; }
  // Passes on what looked like a complaint and was none.
  void release_complaint() {
    out_.add(complaint_);
    complaint_.clear();
    while (!out_.empty()) wait();
  }

 private:
  std::string doing() const { return fmt::format("running {}", exec_.command.front()); }

  void resize() {
    const auto size = terminal_.size();
    if (size == size_ || size.first == 0) return;
    size_ = size;
    try {
      engine_.post(fmt::format("/exec/{}/resize?h={}&w={}", id_, size.first, size.second));
    } catch (const EngineError&) {
      // The program has not started yet or has ended: the next look tells.
      size_ = {0, 0};
    }
  }

  void receive() {
    std::array<char, 32768> buffer;
    while (!ended_ && !out_.full() && !err_.full()) {
      std::size_t count = 0;
      const auto got = connection_.read(buffer, count);
      if (got == Hijack::Got::nothing) return;
      if (got == Hijack::Got::end) {
        ended_ = true;
        return;
      }
      const std::string_view bytes(buffer.data(), count);
      if (exec_.tty)
        pass(Channel::out, bytes);
      else
        frames_.feed(bytes, [this](Channel channel, std::string_view piece, Frames::Part) {
          pass(channel, piece);
        });
    }
  }

  void pass(Channel channel, std::string_view bytes) {
    if (!spoken_ || !complaint_.empty()) {
      spoken_ = true;
      if (!complaint_.empty() || bytes.starts_with(not_started)) {
        complaint_.append(bytes);
        return;
      }
    }
    (channel == Channel::err ? err_ : out_).add(bytes);
  }

  void wait() {
    engine_.op().check(doing());
    const bool hungry = in_ >= 0 && pending_in_.empty() && !ended_;
    const bool listening = !ended_ && !out_.full() && !err_.full();
    short socket_events = listening ? POLLIN : 0;
    if (!pending_in_.empty() && !ended_) socket_events |= POLLOUT;
    std::array<pollfd, 5> set{{{ended_ ? -1 : connection_.fd(), socket_events, 0},
                               {hungry ? in_ : -1, POLLIN, 0},
                               {out_.empty() ? -1 : out_.fd(), POLLOUT, 0},
                               {err_.empty() ? -1 : err_.fd(), POLLOUT, 0},
                               {engine_.op().cancel_fd(), POLLIN, 0}}};
    // A terminal's size is looked at now and then; without it only the deadline needs a look.
    const milliseconds most{terminal_.on() || set[4].fd < 0 ? 200 : 1000};
    if (ended_ && out_.empty() && err_.empty()) return;
    ::poll(set.data(), set.size(), static_cast<int>(most.count()));
    if ((set[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) take_input();
    if (!pending_in_.empty() && !ended_) send_input();
    if (set[2].revents != 0) out_.write();
    if (set[3].revents != 0) err_.write();
  }

  void take_input() {
    std::array<char, 16384> buffer;
    const ssize_t count = ::read(in_, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count > 0) {
      pending_in_.assign(buffer.data(), static_cast<std::size_t>(count));
      return;
    }
    in_ = -1;
    if (!exec_.tty) connection_.end_of_input();
  }

  void send_input() {
    try {
      pending_in_.erase(0, connection_.write(pending_in_));
    } catch (const Error&) {
      // A program may end without reading all its input; whether the engine is still there shows
      // when reading.
      pending_in_.clear();
      in_ = -1;
    }
  }

  Engine& engine_;
  Hijack& connection_;
  const Exec& exec_;
  std::string id_;
  int in_;
  RawTerminal terminal_;
  std::pair<int, int> size_{0, 0};
  Outlet out_;
  Outlet err_;
  Frames frames_;
  std::string pending_in_;
  std::string complaint_;
  bool spoken_ = false;
  bool ended_ = false;
};

// The stream may end a little before the engine knows the code.
int exit_code(Engine& engine, const std::string& id) {
  const common::Deadline deadline(engine.op(), patience);
  milliseconds pause{2};
  for (;;) {
    const json::value answer = engine.get(fmt::format("/exec/{}/json", id));
    const auto* object = answer.if_object();
    if (object == nullptr) throw Error(FBX_IO, "the engine does not say how the program ended");
    if (!common::boolean_at(*object, "Running").value_or(true))
      return static_cast<int>(common::integer_at(*object, "ExitCode").value_or(-1));
    if (deadline.passed())
      throw Error(FBX_TIMEOUT, "the program closed its output but has not ended",
                  "it may run on in the container: see `docker top`");
    deadline.sleep(pause);
    pause = std::min(pause * 2, milliseconds{100});
  }
}

}  // namespace

int run_exec(Engine& engine, const Exec& exec, int in, int out, int err) {
  if (exec.command.empty())
    throw Error(FBX_ARGUMENT, "exec needs a command", "name the program to run");
  const json::value made =
      engine.post_raw(fmt::format("/containers/{}/exec", common::url_encode(exec.container)),
                      body_of(exec, in >= 0));
  const auto* object = made.if_object();
  const std::string id = object ? common::text_at(*object, "Id").value_or("") : "";
  if (id.empty()) throw Error(FBX_IO, "the engine made no exec");
  const std::string start = json::serialize(json::object{{"Detach", false}, {"Tty", exec.tty}});
  Hijack connection(engine.address(), fmt::format("{}/exec/{}/start", engine.api(), id), start,
                    common::Deadline(engine.op(), patience));
  Session session(engine, connection, exec, id, in, out, err);
  session.run();
  const int code = exit_code(engine, id);
  if (!session.complaint().empty()) {
    if (code == 126 || code == 127)
      throw Error(FBX_NOT_FOUND,
                  fmt::format("cannot run {} in the container: {}", exec.command.front(),
                              common::one_line(session.complaint())),
                  "the program must be in the service's image");
    session.release_complaint();
  }
  return code;
}

}  // namespace fbx::docker
