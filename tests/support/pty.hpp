// SPDX-License-Identifier: Apache-2.0
// A terminal that a test looks into.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fusebox::test {

class Pty {
 public:
  explicit Pty(unsigned short columns, unsigned short rows = 24)
      : control_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (control_ < 0 || ::grantpt(control_) != 0 || ::unlockpt(control_) != 0)
      throw std::runtime_error("cannot open a pseudo terminal");
    terminal_ = ::open(::ptsname(control_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0) throw std::runtime_error("cannot open the terminal's side");
    winsize size{};
    size.ws_col = columns;
    size.ws_row = rows;
    ::ioctl(terminal_, TIOCSWINSZ, &size);
    termios mode{};
    ::tcgetattr(terminal_, &mode);
    mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // "\n" stays "\n"
    ::tcsetattr(terminal_, TCSANOW, &mode);
  }
  ~Pty() {
    ::close(terminal_);
    ::close(control_);
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  // What a program sees as its terminal.
  int terminal() const { return terminal_; }

  // As if typed.
  void type(std::string_view text) {
    if (::write(control_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("cannot type into a pseudo terminal");
  }

  // What was written up to and with `mark`, or all of it when the mark does not come in 5 s.
  std::string read_until(std::string_view mark) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (pending_.find(mark) == std::string::npos) {
      if (std::chrono::steady_clock::now() >= until) return std::exchange(pending_, {});
      read_some(50);
    }
    const std::size_t end = pending_.find(mark) + mark.size();
    std::string text = pending_.substr(0, end);
    pending_.erase(0, end);
    return text;
  }

  // Everything written so far.
  std::string read_all() {
    while (read_some(20)) {
    }
    return std::exchange(pending_, {});
  }

 private:
  bool read_some(int timeout_ms) {
    pollfd entry{control_, POLLIN, 0};
    if (::poll(&entry, 1, timeout_ms) != 1) return false;
    char buffer[4096];
    const ssize_t n = ::read(control_, buffer, sizeof buffer);
    if (n <= 0) return false;
    pending_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  int control_ = -1;
  int terminal_ = -1;
  std::string pending_;
};

}  // namespace fusebox::test
