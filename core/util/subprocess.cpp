// SPDX-License-Identifier: Apache-2.0
#include "util/subprocess.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "util/cancel.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/sigpipe.hpp"
#include "util/spawn.hpp"
#include "util/wipe.hpp"

namespace fusebox::util {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a child's own children hold open is read for so long after it ended.
constexpr milliseconds drain_time{500};
// How long a killed process may take to be gone.
constexpr milliseconds kill_time{5000};
// Where the system cannot tell when a child ends, we look.
constexpr milliseconds look_interval{10};

class IgnoreKeyboardSignals {
 public:
  IgnoreKeyboardSignals() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt_);
    ::sigaction(SIGQUIT, &ignore, &quit_);
  }
  ~IgnoreKeyboardSignals() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGQUIT, &quit_, nullptr);
  }
  IgnoreKeyboardSignals(const IgnoreKeyboardSignals&) = delete;
  IgnoreKeyboardSignals& operator=(const IgnoreKeyboardSignals&) = delete;

 private:
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
};

struct Output {
  UniqueFd fd;
  const OutputSink* sink = nullptr;
};

// From start to end of one child.
class Session {
 public:
  Session(const ProcessSpec& spec, Deadline deadline, const CancelToken* cancel)
      : spec_(spec), deadline_(deadline), cancel_(cancel) {}

  void feed(UniqueFd fd) {
    set_nonblocking(fd.get(), true);
    input_ = std::move(fd);
    rest_ = spec_.stdin_bytes;
  }
  void collect(UniqueFd fd, const OutputSink& sink) {
    set_nonblocking(fd.get(), true);
    outputs_[output_count_++] = {std::move(fd), &sink};
  }

  ProcessResult run(detail::Child& child) {
    while (!finished(child)) wait(child);
    if (stopped_for_) child.signal(SIGKILL);  // what the program left behind of its group
    const ProcessResult result = child.reap();
    if (stopped_for_) throw stop_error();
    return result;
  }

 private:
  using Time = steady_clock::time_point;

  // Moves on to what the time and the child's state ask for; true when all is done.
  bool finished(detail::Child& child) {
    const Time now = steady_clock::now();
    if (!drain_until_ && child.exited()) drain_until_ = now + drain_time;
    if (drain_until_) return now >= *drain_until_ || !any_output_open();
    if (!stopped_for_) {
      if (cancel_ != nullptr && cancel_->cancelled())
        stop(child, Errc::cancelled, now);
      else if (deadline_ && now >= *deadline_)
        stop(child, Errc::timeout, now);
    } else if (!killed_ && now >= kill_at_) {
      child.signal(SIGKILL);
      killed_ = true;
    } else if (killed_ && now >= kill_at_ + kill_time) {
      throw Error(Errc::timeout, fmt::format("{} did not die within {} of SIGKILL", name(),
                                             human_duration(kill_time)));
    }
    return false;
  }

  void stop(detail::Child& child, Errc reason, Time now) {
    stopped_for_ = reason;
    kill_at_ = now + spec_.grace;
    child.signal(SIGTERM);
  }

  Error stop_error() const {
    const auto ran = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started_);
    if (*stopped_for_ == Errc::cancelled)
      return Error(Errc::cancelled,
                   fmt::format("{} was stopped after {}", name(), human_duration(ran)));
    const auto given = std::chrono::duration_cast<milliseconds>(*deadline_ - started_);
    return Error(Errc::timeout, fmt::format("{} did not end within {}", name(),
                                            human_duration(std::max(given, milliseconds(0)))));
  }

  std::string name() const { return std::filesystem::path(spec_.command[0]).filename().string(); }

  bool any_output_open() const {
    return std::any_of(outputs_.begin(), outputs_.end(),
                       [](const Output& output) { return static_cast<bool>(output.fd); });
  }

  int poll_timeout(const detail::Child& child) const {
    Time until = Time::max();
    if (drain_until_)
      until = *drain_until_;
    else if (stopped_for_)
      until = killed_ ? kill_at_ + kill_time : kill_at_;
    else if (deadline_)
      until = *deadline_;
    const Time now = steady_clock::now();
    if (child.fd() < 0) until = std::min(until, now + look_interval);
    if (until == Time::max()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(until - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  }

  void wait(const detail::Child& child) {
    std::array<pollfd, 5> entries;
    std::size_t count = 0;
    const auto watch = [&](int fd, short events) {
      if (fd >= 0) entries[count++] = {fd, events, 0};
    };
    watch(input_.get(), POLLOUT);
    for (const Output& output : outputs_) watch(output.fd.get(), POLLIN);
    if (!drain_until_) watch(child.fd(), POLLIN);
    if (!stopped_for_ && !drain_until_ && cancel_ != nullptr) watch(cancel_->fd(), POLLIN);
    if (::poll(entries.data(), static_cast<nfds_t>(count), poll_timeout(child)) < 0) {
      if (errno == EINTR) return;
      throw system_error("wait for", name(), errno);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (entries[i].revents == 0) continue;
      if (entries[i].fd == input_.get()) {
        write_some();
        continue;
      }
      for (Output& output : outputs_)
        if (output.fd && entries[i].fd == output.fd.get()) read_some(output);
    }
  }

  void write_some() {
    const NoSigpipe guard;
    const ssize_t n = ::write(input_.get(), rest_.data(), rest_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // A program may end without reading all: what it answers is what counts.
    if (n < 0) rest_ = {};
    if (n > 0) rest_.remove_prefix(static_cast<std::size_t>(n));
    if (rest_.empty()) input_.reset();
  }

  static void read_some(Output& output) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(output.fd.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      output.fd.reset();
      return;
    }
    const auto size = static_cast<std::size_t>(n);
    struct Wipe {
      char* data;
      std::size_t size;
      ~Wipe() { wipe(data, size); }
    } const wiper{buffer.data(), size};
    (*output.sink)(std::string_view(buffer.data(), size));
  }

  const ProcessSpec& spec_;
  Deadline deadline_;
  const CancelToken* cancel_;
  const Time started_ = steady_clock::now();
  UniqueFd input_;
  std::string_view rest_;
  std::array<Output, 2> outputs_;
  std::size_t output_count_ = 0;
  std::optional<Errc> stopped_for_;
  Time kill_at_{};
  bool killed_ = false;
  std::optional<Time> drain_until_;
};

}  // namespace

ProcessResult run_process(const ProcessSpec& spec, const OutputSink& on_stdout,
                          const OutputSink& on_stderr, Deadline deadline,
                          const CancelToken* cancel) {
  Session session(spec, deadline, cancel);
  ProcessFds fds;
  Pipe in;
  Pipe out;
  Pipe err;
  if (!spec.stdin_bytes.empty()) {
    in = make_pipe();
    fds.in = in.read.get();
    session.feed(std::move(in.write));
  }
  const auto connect = [&](Pipe& pipe, const OutputSink& sink, int& end) {
    if (!sink) return;
    pipe = make_pipe();
    end = pipe.write.get();
    session.collect(std::move(pipe.read), sink);
  };
  connect(out, on_stdout, fds.out);
  connect(err, on_stderr, fds.err);
  detail::Child child(spec, fds, detail::Group::own);
  in.read.reset();
  out.write.reset();
  err.write.reset();
  return session.run(child);
}

ProcessResult run_attached(const ProcessSpec& spec, ProcessFds fds, Deadline deadline,
                           const CancelToken* cancel) {
  Session session(spec, deadline, cancel);
  if (fds.in < 0 || ::isatty(fds.in) != 1) {
    detail::Child child(spec, fds, detail::Group::own);
    return session.run(child);
  }
  const IgnoreKeyboardSignals ignore;
  detail::Child child(spec, fds, detail::Group::shared);
  return session.run(child);
}

}  // namespace fusebox::util
