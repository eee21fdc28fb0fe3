// SPDX-License-Identifier: Apache-2.0
#include "util/terminal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "util/cancel.hpp"
#include "util/error.hpp"

namespace fusebox::util {

namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string_view();
}

void put(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

constexpr std::string_view hide_sequence = "\x1b[?25l";
constexpr std::string_view show_sequence = "\x1b[?25h";

// A signal handler has nothing else to go by.
std::atomic<int> hidden_on{-1};
static_assert(std::atomic<int>::is_always_lock_free);

constexpr std::array ending_signals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS};
std::array<struct sigaction, ending_signals.size() + 1> replaced;

void end_visibly(int number) {
  show_cursor();
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(number, &standard, nullptr);
  ::raise(number);
}

void pause_visibly(int) {
  const int saved = errno;
  const int fd = hidden_on.load();
  if (fd >= 0) put(fd, show_sequence);
  ::raise(SIGSTOP);
  if (fd >= 0) put(fd, hide_sequence);
  errno = saved;
}

// Takes the signal over unless someone handles or ignores it.
void take(int number, void (*handler)(int), struct sigaction& before) {
  ::sigaction(number, nullptr, &before);
  if (before.sa_handler != SIG_DFL) return;
  struct sigaction mine {};
  mine.sa_handler = handler;
  ::sigemptyset(&mine.sa_mask);
  mine.sa_flags = SA_RESTART;
  ::sigaction(number, &mine, nullptr);
}

// Gives it back unless someone took it over meanwhile.
void give_back(int number, void (*handler)(int), const struct sigaction& before) {
  struct sigaction now {};
  ::sigaction(number, nullptr, &now);
  if (now.sa_handler == handler) ::sigaction(number, &before, nullptr);
}

}  // namespace

bool is_tty(int fd) { return ::isatty(fd) == 1; }

std::size_t terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view columns = variable("COLUMNS");
  std::size_t width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  return width > 0 && width <= 10000 ? width : 80;
}

std::size_t terminal_height(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

bool wants_colour(int fd) {
  if (!variable("NO_COLOR").empty()) return false;
  const std::string_view force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return is_tty(fd) && variable("TERM") != "dumb";
}

bool can_redraw(int fd) {
  return is_tty(fd) && variable("TERM") != "dumb" && !variable("TERM").empty();
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(variable(name));
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

HiddenCursor::HiddenCursor(int fd) {
  hidden_on.store(fd);
  for (std::size_t i = 0; i < ending_signals.size(); ++i)
    take(ending_signals[i], end_visibly, replaced[i]);
  take(SIGTSTP, pause_visibly, replaced.back());
  put(fd, hide_sequence);
}

HiddenCursor::~HiddenCursor() {
  show_cursor();
  for (std::size_t i = 0; i < ending_signals.size(); ++i)
    give_back(ending_signals[i], end_visibly, replaced[i]);
  give_back(SIGTSTP, pause_visibly, replaced.back());
}

void show_cursor() noexcept {
  const int saved = errno;
  const int fd = hidden_on.exchange(-1);
  if (fd >= 0) put(fd, show_sequence);
  errno = saved;
}

std::optional<std::string> prompt_line(std::string_view prompt, int in, int out,
                                       const CancelToken* cancel) {
  put(out, prompt);
  std::string line;
  for (;;) {
    std::array<pollfd, 2> entries = {pollfd{in, POLLIN, 0},
                                     pollfd{cancel != nullptr ? cancel->fd() : -1, POLLIN, 0}};
    if (::poll(entries.data(), entries.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throw system_error("wait for", "an answer", errno);
    }
    if (entries[1].revents != 0) return std::nullopt;
    // One byte at a time: what follows the line belongs to the next reader.
    char c = 0;
    const ssize_t n = ::read(in, &c, 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) throw system_error("read", "an answer", errno);
    if (n == 0) return line.empty() ? std::nullopt : std::optional(line);
    if (c == '\n') return line;
    line += c;
  }
}

}  // namespace fusebox::util
