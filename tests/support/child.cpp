// SPDX-License-Identifier: Apache-2.0
#include "support/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "util/subprocess.hpp"

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace fusebox::test {

namespace {

// Between fork and exec: no allocation, no exception; 126 says that it did not get to exec.
[[noreturn]] void become(const char* cwd, const char* log, const passwd* user, char* const* argv,
                         char* const* envp) {
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || in < 0) ::_exit(126);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (user != nullptr &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  if (::chdir(cwd) != 0) ::_exit(126);
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  ::execve(argv[0], argv, envp);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (added.count(text.substr(0, text.find('='))) == 0) out.push_back(text);
  }
  for (const auto& [name, value] : added) out.push_back(name + "=" + value);
  return out;
}

}  // namespace

Child::Child(const ChildSpec& spec) {
  std::vector<std::string> command = spec.command;
  const auto program = util::find_program(command[0]);
  if (!program) throw std::runtime_error(command[0] + " is not in PATH");
  command[0] = program->string();
  std::vector<std::string> environment = environment_with(spec.environment);
  const std::vector<char*> argv = pointers(command);
  const std::vector<char*> envp = pointers(environment);
  const passwd* user = nullptr;
  if (!spec.user.empty() && ::geteuid() == 0) {
    user = ::getpwnam(spec.user.c_str());
    if (user == nullptr) throw std::runtime_error("there is no user " + spec.user);
  }
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) become(spec.cwd.c_str(), spec.log.c_str(), user, argv.data(), envp.data());
}

Child::~Child() { stop(SIGKILL); }

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  return *this;
}

bool Child::reap(int flags) {
  if (pid_ < 0) return true;
  pid_t done = 0;
  do {
    done = ::waitpid(pid_, &status_, flags);
  } while (done < 0 && errno == EINTR);
  if (done == 0) return false;
  pid_ = -1;
  return true;
}

bool Child::running() { return !reap(WNOHANG); }

int Child::wait() {
  reap(0);
  return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

void Child::stop(int signal, std::chrono::milliseconds grace) {
  if (!running()) return;
  ::kill(pid_, signal);
  const auto end = std::chrono::steady_clock::now() + grace;
  while (running() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  reap(0);
}

}  // namespace fusebox::test
