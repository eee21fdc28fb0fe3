// SPDX-License-Identifier: Apache-2.0
#include "keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "child.hpp"
#include "log_writer.hpp"

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace runtime_process::shim {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

// The signal handlers' only business: to wake the loop with the signal's number.
int signal_pipe = -1;

extern "C" void on_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<char>(number);
  [[maybe_unused]] const ssize_t ignored = ::write(signal_pipe, &byte, 1);
  errno = saved;
}

void handle(int number, void (*handler)(int)) {
  struct ::sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  ::sigaction(number, &action, nullptr);
}

struct Streams {
  Fd in;   // to the service, while there is text left
  Fd out;  // from it
  Fd err;
};

class Keeper {
 public:
  explicit Keeper(Spec spec)
      : spec_(std::move(spec)),
        log_(spec_.record.definition.log_file, spec_.record.definition.log_max_size,
             spec_.record.definition.log_files, spec_.redact) {}

  int run() {
    signals_ = make_pipe();
    set_nonblocking(signals_.read.get());
    set_nonblocking(signals_.write.get());
    signal_pipe = signals_.write.get();
    for (const int number : {SIGCHLD, SIGTERM}) handle(number, &on_signal);
    for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) handle(number, SIG_IGN);
    const std::string error = start();
    answer(error);
    if (!error.empty()) return 1;
    spec_.environment.clear();
    while (!status_) pump(-1);
    end();
    return 0;
  }

 private:
  // Empty: it runs and is on record.
  std::string start() {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    Pipe failure = make_pipe();
    const Account& account = spec_.record.definition.account;
    // A program that opens /dev/stdin anew needs to own the pipe behind it.
    if (account.drop)
      for (const int fd : {in.read.get(), out.write.get(), err.write.get()})
        if (::fchown(fd, account.uid, account.gid) != 0) return "cannot hand over a pipe";
    child_ = ::fork();
    if (child_ < 0) return "cannot start a process: " + errno_text(errno);
    if (child_ == 0) {
      ::setsid();
      const Fd null(spec_.stdin_text ? -1 : ::open("/dev/null", O_RDONLY | O_CLOEXEC));
      ::dup2(null ? null.get() : in.read.get(), 0);
      ::dup2(out.write.get(), 1);
      ::dup2(err.write.get(), 2);
      write_all(failure.write.get(), become(spec_.record.definition, spec_.environment));
      ::_exit(127);
    }
    failure.write.reset();
    std::array<char, 512> text{};
    const ssize_t n = ::read(failure.read.get(), text.data(), text.size());
    if (n > 0) {
      ::waitpid(child_, nullptr, 0);
      return {text.data(), static_cast<std::size_t>(n)};
    }
    streams_.out = std::move(out.read);
    streams_.err = std::move(err.read);
    if (spec_.stdin_text) {
      streams_.in = std::move(in.write);
      set_nonblocking(streams_.in.get());
    }
    return put_on_record();
  }

  std::string put_on_record() {
    Record& record = spec_.record;
    // A zombie already? Then its start time is of no use to anybody.
    record.process = identify(child_).value_or(ProcessId{child_, 0});
    record.shim = identify(::getpid()).value_or(ProcessId{});
    record.boot = boot_id();
    record.started_at = std::chrono::system_clock::now();
    try {
      write_record();
    } catch (const std::exception& e) {
      ::kill(-child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
      return e.what();
    }
    return {};
  }

  void write_record() {
    write_file_atomic(spec_.record_file, json::serialize(to_json(spec_.record)));
  }

  void answer(const std::string& error) {
    const json::object status =
        error.empty() ? json::object{{"pid", child_}} : json::object{{"error", error}};
    write_all(status_fd, json::serialize(status));
    ::close(status_fd);
  }

  // Waits for something to happen, at most `timeout_ms`, and deals with it.
  void pump(int timeout_ms) {
    std::array<::pollfd, 4> items{{{signals_.read.get(), POLLIN, 0},
                                   {streams_.out.get(), POLLIN, 0},
                                   {streams_.err.get(), POLLIN, 0},
                                   {streams_.in.get(), POLLOUT, 0}}};
    if (::poll(items.data(), items.size(), timeout_ms) < 0) return;
    if (items[1].revents != 0) read_stream(streams_.out, "stdout");
    if (items[2].revents != 0) read_stream(streams_.err, "stderr");
    if (items[3].revents != 0) feed();
    if (items[0].revents != 0) take_signals();
  }

  void read_stream(Fd& fd, std::string_view name) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n > 0)
      log_.take(name, {buffer.data(), static_cast<std::size_t>(n)});
    else if (n == 0 || errno != EINTR)
      fd.reset();
  }

  void feed() {
    std::string& text = *spec_.stdin_text;
    const ssize_t n = ::write(streams_.in.get(), text.data() + fed_, text.size() - fed_);
    if (n > 0) fed_ += static_cast<std::size_t>(n);
    if (fed_ < text.size() && (n > 0 || errno == EAGAIN || errno == EINTR)) return;
    streams_.in.reset();
    std::fill(text.begin(), text.end(), '\0');
  }

  void take_signals() {
    std::array<char, 64> numbers{};
    const ssize_t n = ::read(signals_.read.get(), numbers.data(), numbers.size());
    const auto end = numbers.begin() + std::max<ssize_t>(n, 0);
    // Once it is reaped its number may be somebody else's.
    if (!status_ && std::find(numbers.begin(), end, SIGTERM) != end)
      ::kill(child_, signal_number(spec_.record.definition.stop_signal));
    reap();
  }

  void reap() {
    for (;;) {
      ::siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
      // Before the service's process is reaped, so that its number still means its group.
      if (info.si_pid == child_) ::kill(-child_, SIGKILL);
      int status = 0;
      ::waitpid(info.si_pid, &status, 0);
      if (info.si_pid == child_) status_ = status;
    }
  }

  // What moved out of the group has become our child by now.
  void kill_leftovers() {
    const auto deadline = steady_clock::now() + std::chrono::seconds(2);
    while (steady_clock::now() < deadline) {
      const auto left = children_of(::getpid());
      if (left.empty()) return;
      for (const ProcessId& id : left) signal_process(id, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      reap();
    }
  }

  void end() {
    kill_leftovers();
    const auto deadline = steady_clock::now() + std::chrono::seconds(1);
    while ((streams_.out || streams_.err) && steady_clock::now() < deadline) pump(50);
    log_.flush();
    Record& record = spec_.record;
    record.ended_at = std::chrono::system_clock::now();
    record.exit_code = WIFEXITED(*status_) ? WEXITSTATUS(*status_) : 128 + WTERMSIG(*status_);
    // Removed in the meantime (by `down`): then nobody wants to know.
    if (::access(spec_.record_file.c_str(), F_OK) == 0) write_record();
  }

  Spec spec_;
  LogWriter log_;
  Pipe signals_;
  Streams streams_;
  pid_t child_ = -1;
  std::size_t fed_ = 0;
  std::optional<int> status_;
};

}  // namespace

int keep(Spec spec) {
#if defined(__linux__)
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
#endif
  return Keeper(std::move(spec)).run();
}

}  // namespace runtime_process::shim
