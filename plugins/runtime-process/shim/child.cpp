// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "../sys.hpp"

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace runtime_process::shim {
namespace {

template <class Action>
void each_descriptor_from(int first, Action action) {
  const int last = static_cast<int>(std::min<long>(::sysconf(_SC_OPEN_MAX), 65536));
  for (int fd = first; fd < last; ++fd) action(fd);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool drop_to(const Account& account) {
  if (!account.drop) return true;
#if defined(__APPLE__)
  const bool groups = ::initgroups(account.name.c_str(), static_cast<int>(account.gid)) == 0;
#else
  const bool groups = ::initgroups(account.name.c_str(), account.gid) == 0;
#endif
  return groups && ::setgid(account.gid) == 0 && ::setuid(account.uid) == 0;
}

}  // namespace

void close_from(int first) {
#if defined(__linux__) && defined(SYS_close_range)
  if (::syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
  each_descriptor_from(first, [](int fd) { ::close(fd); });
}

void close_on_exec_from(int first) {
#if defined(__linux__) && defined(SYS_close_range)
  constexpr unsigned cloexec = 1U << 2U;  // CLOSE_RANGE_CLOEXEC
  if (::syscall(SYS_close_range, first, ~0U, cloexec) == 0) return;
#endif
  each_descriptor_from(first, [](int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); });
}

std::string become(const Definition& definition,
                   const std::map<std::string, std::string>& environment) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : environment) pairs.push_back(key + "=" + value);
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::string> command = definition.command;
  for (std::string& word : command) argv.push_back(word.data());
  for (std::string& pair : pairs) envp.push_back(pair.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  reset_signals();
  ::umask(077);
  const Account& account = definition.account;
  if (!drop_to(account))
    return fmt::format("cannot become user {}: {}", account.name, errno_text(errno));
  if (::chdir(definition.data.c_str()) != 0) {
    if (errno != ENOENT)
      return fmt::format("cannot enter {}: {}", definition.data.string(), errno_text(errno));
    if (::chdir("/") != 0) return "cannot enter /: " + errno_text(errno);
  }
  close_on_exec_from(3);
  ::execve(command.front().c_str(), argv.data(), envp.data());
  return fmt::format("cannot run {}{}: {}", command.front(),
                     account.drop ? " as user " + account.name : "", errno_text(errno));
}

}  // namespace runtime_process::shim
