// SPDX-License-Identifier: Apache-2.0
#include "run/supervise.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string_view>
#include <thread>

#include "util/error.hpp"
#include "util/fd.hpp"

namespace fusebox::run {

namespace {

// What the child says before it ends on purpose. Anything else, or nothing, is a crash.
constexpr char said_code = 'C';
constexpr char said_hand_over = 'H';
constexpr char said_error = 'E';  // and its text

// Signals that wait for wait_for() instead of ending this process or being lost. What is still
// waiting when it is released takes its effect then.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
    // Ignored, as some parents leave it to us, it would never come.
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &child_before_);
  }
  ~HeldSignals() { release(); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  void release() {
    ::sigaction(SIGCHLD, &child_before_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  struct Signal {
    int number = 0;
    bool from_process = false;  // and not from the terminal, which tells the whole group
  };
  // The next of them; number 0 after an interruption.
  Signal next() const {
#if defined(__APPLE__)
    int number = 0;
    if (::sigwait(&set_, &number) != 0) return {};
    return {number, true};
#else
    siginfo_t info{};
    const int number = ::sigwaitinfo(&set_, &info);
    if (number < 0) return {};
    return {number, info.si_code <= 0};
#endif
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
  struct sigaction child_before_ {};
};

// The parent holds the only write end: when it is gone, for whatever reason, the pipe ends.
void die_with_parent(int pipe) {
  std::thread([pipe] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    char byte = 0;
    while (::read(pipe, &byte, 1) < 0 && errno == EINTR) {
    }
    ::kill(::getpid(), SIGKILL);
  }).detach();
}

void say(int fd, std::string_view what) {
  // As much as a pipe takes in one piece.
  what = what.substr(0, PIPE_BUF);
  while (::write(fd, what.data(), what.size()) < 0 && errno == EINTR) {
  }
}

// noexcept: nothing must unwind into the parent's copy of the stack.
[[noreturn]] void be_child(const std::function<int()>& body, int life, int report) noexcept {
  int code = 0;
  std::string last_word(1, said_code);
  try {
    die_with_parent(life);
    code = body();
  } catch (const HandOver& over) {
    last_word = said_hand_over + over.why;
  } catch (const std::exception& error) {
    last_word = said_error + std::string(error.what());
  } catch (...) {
    last_word = said_error + std::string("unknown exception");
  }
  std::fflush(nullptr);
  say(report, last_word);
  ::_exit(code);
}

// Empty when it said nothing. Does not wait: the child is gone, and a process that it left behind
// may hold the other end.
std::string last_word_in(int fd) {
  util::set_nonblocking(fd, true);
  std::array<char, PIPE_BUF> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n >= 0) return {buffer.data(), static_cast<std::size_t>(n)};
    if (errno != EINTR) return {};
  }
}

CrashInfo crash_of(int status, const std::string& last_word) {
  if (WIFSIGNALED(status)) return {CrashInfo::Kind::signal, WTERMSIG(status), {}};
  if (last_word.empty()) return {CrashInfo::Kind::exit, WEXITSTATUS(status), {}};
  if (last_word.front() == said_hand_over)
    return {CrashInfo::Kind::handed_over, 0, last_word.substr(1)};
  return {CrashInfo::Kind::error, 0, last_word.substr(1)};
}

// What is sent to this process alone is meant for the child; what comes from the terminal it has
// got by itself.
int wait_for(pid_t child, const HeldSignals& signals) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0) throw system_error("wait for", "the child that runs the steps", errno);
    const auto signal = signals.next();
    if (signal.number != 0 && signal.number != SIGCHLD && signal.from_process)
      ::kill(child, signal.number);
  }
}

}  // namespace

std::string CrashInfo::str() const {
  switch (kind) {
    case Kind::signal:
      return fmt::format("killed by signal {} ({})", number, ::strsignal(number));
    case Kind::exit:
      return fmt::format("ended by a plugin that called exit({})", number);
    case Kind::error:
      return "ended by an error: " + text;
    case Kind::handed_over:
      return "ended because a step hangs";
  }
  return "ended";
}

int supervise(const std::function<int()>& child_body,
              const std::function<int(const CrashInfo&)>& on_crash) {
  util::Pipe life = util::make_pipe();
  util::Pipe report = util::make_pipe();
  std::fflush(nullptr);  // what is buffered now must not be printed by both
  CrashInfo crash;
  {
    HeldSignals held;
    const pid_t child = ::fork();
    if (child < 0)
      throw system_error("fork", "a child process for the steps", errno,
                         "free some memory or raise the limit of processes, and try again");
    if (child == 0) {
      life.write.reset();
      report.read.reset();
      held.release();
      be_child(child_body, life.read.get(), report.write.get());
    }
    life.read.reset();
    report.write.reset();
    const int status = wait_for(child, held);
    const std::string last_word = last_word_in(report.read.get());
    if (WIFEXITED(status) && !last_word.empty() && last_word.front() == said_code)
      return WEXITSTATUS(status);
    crash = crash_of(status, last_word);
  }
  life.write.reset();
  return on_crash(crash);
}

}  // namespace fusebox::run
