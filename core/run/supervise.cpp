// SPDX-License-Identifier: Apache-2.0
#include "run/supervise.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string_view>
#include <thread>

#include "util/error.hpp"
#include "util/fd.hpp"

namespace fusebox::run {

namespace {

constexpr std::array watched{SIGINT, SIGTERM, SIGHUP};

// What the child says before it ends on purpose. Anything else, or nothing, is a crash.
constexpr char said_code = 'C';
constexpr char said_hand_over = 'H';
constexpr char said_error = 'E';  // and its text

std::atomic<pid_t> passed_on_to{0};

// The terminal tells the whole foreground group by itself; what was sent to this process alone has
// to be passed on.
void pass_on(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  const pid_t child = passed_on_to.load(std::memory_order_relaxed);
  const bool is_from_a_process =
      info != nullptr && (info->si_code == SI_USER || info->si_code <= 0);
  if (child > 0 && is_from_a_process) ::kill(child, signal);
  errno = saved;
}

// The parent outlives these signals while its child is there.
class ParentSignals {
 public:
  explicit ParentSignals(pid_t child) {
    passed_on_to = child;
    struct sigaction action {};
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < watched.size(); ++i) ::sigaction(watched[i], &action, &before_[i]);
  }
  ~ParentSignals() {
    passed_on_to = 0;
    for (std::size_t i = 0; i < watched.size(); ++i) ::sigaction(watched[i], &before_[i], nullptr);
  }
  ParentSignals(const ParentSignals&) = delete;
  ParentSignals& operator=(const ParentSignals&) = delete;

 private:
  std::array<struct sigaction, watched.size()> before_{};
};

// Keeps signals out between fork() and the moment both sides are ready for them.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : watched) ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~BlockSignals() { release(); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  void release() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
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
  } catch (const HandOver&) {
    last_word = said_hand_over;
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
  if (last_word.front() == said_hand_over) return {CrashInfo::Kind::handed_over, 0, {}};
  return {CrashInfo::Kind::error, 0, last_word.substr(1)};
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw system_error("wait for", "the child that runs the steps", errno);
  return status;
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
    BlockSignals blocked;
    const pid_t child = ::fork();
    if (child < 0)
      throw system_error("fork", "a child process for the steps", errno,
                         "free some memory or raise the limit of processes, and try again");
    if (child == 0) {
      life.write.reset();
      report.read.reset();
      blocked.release();
      be_child(child_body, life.read.get(), report.write.get());
    }
    life.read.reset();
    report.write.reset();
    const ParentSignals signals(child);
    blocked.release();
    const int status = wait_for(child);
    const std::string last_word = last_word_in(report.read.get());
    if (WIFEXITED(status) && !last_word.empty() && last_word.front() == said_code)
      return WEXITSTATUS(status);
    crash = crash_of(status, last_word);
  }
  life.write.reset();
  return on_crash(crash);
}

}  // namespace fusebox::run
