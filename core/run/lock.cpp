// SPDX-License-Identifier: Apache-2.0
#include "run/lock.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>

#include "util/error.hpp"
#include "util/fs.hpp"

namespace fusebox::run {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

fs::path lock_file(const fs::path& state_dir) { return state_dir / "lock"; }

LockHolder parse_holder(std::string_view text) {
  LockHolder holder;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string value(line.substr(equals + 1));
    if (key == "pid") holder.pid = value;
    if (key == "what") holder.what = value;
    if (key == "since") holder.since = value;
  }
  return holder;
}

bool is_alive(const std::string& pid) {
  int number = 0;
  const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), number);
  if (error != std::errc() || number <= 0) return false;
  return ::kill(number, 0) == 0 || errno != ESRCH;
}

}  // namespace

StackLock StackLock::acquire(const fs::path& state_dir, const std::string& what) {
  util::make_private_dirs(state_dir);
  const auto give_up = std::chrono::steady_clock::now() + 2s;
  for (;;) {
    if (auto lock = util::FileLock::try_acquire(lock_file(state_dir), what))
      return StackLock(std::move(*lock));
    const auto holder = lock_holder(state_dir);
    // When a supervisor was killed its child still holds the lock for the moment it takes to die.
    const bool is_dying = !holder || !is_alive(holder->pid);
    if (!is_dying || std::chrono::steady_clock::now() > give_up)
      throw Error(Errc::conflict,
                  holder ? fmt::format("the stack is locked by {} (pid {}, since {})", holder->what,
                                       holder->pid, holder->since)
                         : "the stack is locked by another fusebox",
                  "wait for it to end, or stop it with Ctrl-C there");
    std::this_thread::sleep_for(10ms);
  }
}

std::optional<LockHolder> lock_holder(const fs::path& state_dir) {
  const std::string text = util::FileLock::holder(lock_file(state_dir));
  if (text.empty()) return std::nullopt;
  return parse_holder(text);
}

}  // namespace fusebox::run
