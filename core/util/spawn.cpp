// SPDX-License-Identifier: Apache-2.0
#include "util/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <algorithm>
#include <cerrno>
#include <thread>

#include "util/error.hpp"

extern char** environ;

namespace fusebox::util {

namespace {

namespace fs = std::filesystem;

bool is_executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string_view name_of(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

// Our environment with the spec's changes, as exec wants it. Points into `spec` and `environ`.
std::vector<char*> environment_of(const ProcessSpec& spec) {
  const auto changed = [&](std::string_view name) {
    return std::any_of(spec.environment.begin(), spec.environment.end(),
                       [&](const std::string& entry) { return name_of(entry) == name; }) ||
           std::find(spec.unset.begin(), spec.unset.end(), name) != spec.unset.end();
  };
  std::vector<char*> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (!changed(name_of(*entry))) result.push_back(*entry);
  for (const std::string& entry : spec.environment)
    result.push_back(const_cast<char*>(entry.c_str()));
  result.push_back(nullptr);
  return result;
}

// Everything a child needs between fork and exec, made before: there it may not allocate.
struct Start {
  const char* program;
  char* const* argv;
  char* const* envp;
  const char* cwd;  // or nullptr
  ProcessFds fds;
  detail::Group group;
  int report;     // where what failed goes
  int max_fd;     // for systems without close_range
  sigset_t mask;  // the caller's
};

enum class Stage : int { fds, cwd, exec };
struct Failure {
  Stage stage;
  int errnum;
};

[[noreturn]] void give_up(const Start& start, Stage stage) {
  const Failure failure{stage, errno};
  [[maybe_unused]] const ssize_t n = ::write(start.report, &failure, sizeof failure);
  ::_exit(127);
}

void close_on_exec_from_3(const Start& start) {
#if defined(__linux__) && defined(SYS_close_range)
  constexpr unsigned cloexec = 1U << 2;
  if (::syscall(SYS_close_range, 3U, ~0U, cloexec) == 0) return;
#endif
  for (int fd = 3; fd < start.max_fd; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child: only async-signal-safe calls from here on.
[[noreturn]] void become(Start start) {
  if (start.group == detail::Group::own) ::setpgid(0, 0);
  // Above 2 first, so that no dup2 overwrites one that is still needed.
  start.report = ::fcntl(start.report, F_DUPFD_CLOEXEC, 3);
  int* const ends[] = {&start.fds.in, &start.fds.out, &start.fds.err};
  for (int* end : ends) {
    *end = *end < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : *end;
    *end = ::fcntl(*end, F_DUPFD_CLOEXEC, 3);
    if (*end < 0) give_up(start, Stage::fds);
  }
  for (int target = 0; target < 3; ++target)
    if (::dup2(*ends[target], target) < 0) give_up(start, Stage::fds);
  close_on_exec_from_3(start);
  if (start.cwd != nullptr && ::chdir(start.cwd) != 0) give_up(start, Stage::cwd);
  reset_signals();
  ::execve(start.program, start.argv, start.envp);
  give_up(start, Stage::exec);
}

Error start_error(const Failure& failure, const ProcessSpec& spec, const fs::path& program) {
  switch (failure.stage) {
    case Stage::fds:
      return system_error("set up the descriptors of", spec.command[0], failure.errnum);
    case Stage::cwd:
      return system_error("enter the folder", spec.cwd.native(), failure.errnum,
                          fmt::format("it is where {} should run", spec.command[0]));
    case Stage::exec:
      break;
  }
  return system_error("run", program.native(), failure.errnum);
}

fs::path program_of(const ProcessSpec& spec) {
  if (spec.command.empty() || spec.command[0].empty())
    throw Error(Errc::argument, "cannot run an empty command");
  const std::string& name = spec.command[0];
  if (name.find('/') != std::string::npos) return name;
  if (auto found = find_program(name)) return *found;
  throw Error(Errc::not_found, fmt::format("cannot find the program {} in PATH", name),
              "install it, or add its folder to PATH");
}

int max_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65536));
}

}  // namespace

std::optional<fs::path> find_program(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos)
    return is_executable(name) ? std::optional<fs::path>(name) : std::nullopt;
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const fs::path dir(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    if (!dir.empty() && is_executable(dir / name)) return dir / name;
  }
  return std::nullopt;
}

namespace detail {

Child::Child(const ProcessSpec& spec, ProcessFds fds, Group group) : group_(group) {
  const fs::path program = program_of(spec);
  std::vector<char*> argv;
  for (const std::string& word : spec.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> own_environment;
  if (spec.envp == nullptr) own_environment = environment_of(spec);
  Pipe report = make_pipe();
  Start start{program.c_str(),
              argv.data(),
              spec.envp != nullptr ? spec.envp : own_environment.data(),
              spec.cwd.empty() ? nullptr : spec.cwd.c_str(),
              fds,
              group,
              report.write.get(),
              max_descriptors(),
              {}};

  // A handler of ours must not run in the child: it would act on what the two share.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &start.mask);
  pid_ = ::fork();
  if (pid_ == 0) become(start);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &start.mask, nullptr);
  if (pid_ < 0) throw system_error("start", spec.command[0], fork_error);

  report.write.reset();
  Failure failure{};
  ssize_t n = -1;
  do {
    n = ::read(report.read.get(), &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof failure)) {
    ::waitpid(pid_, nullptr, 0);
    throw start_error(failure, spec, program);
  }
#if defined(__linux__) && defined(SYS_pidfd_open)
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
#endif
}

Child::~Child() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  // One that sleeps in the kernel does not die at once; it is not worth hanging for.
  for (int i = 0; i < 200; ++i) {
    const pid_t got = ::waitpid(pid_, nullptr, WNOHANG);
    if (got == pid_ || (got < 0 && errno != EINTR)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

bool Child::exited() const noexcept {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == pid_;
}

void Child::signal(int number) const noexcept {
  ::kill(group_ == Group::own ? -pid_ : pid_, number);
}

ProcessResult Child::reap() {
  int status = 0;
  pid_t got = -1;
  do {
    got = ::waitpid(pid_, &status, 0);
  } while (got < 0 && errno == EINTR);
  pid_ = -1;
  if (got < 0) throw system_error("learn the end of", "a child process", errno);
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

}  // namespace detail

}  // namespace fusebox::util
