// SPDX-License-Identifier: Apache-2.0
#include "util/terminal.hpp"

#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "tests/support/environment.hpp"
#include "tests/support/pty.hpp"
#include "util/cancel.hpp"
#include "util/fd.hpp"

namespace util = fusebox::util;
using fusebox::test::Environment;
using fusebox::test::Pty;

TEST_CASE("a pipe is no terminal, a pty is one, and knows its width") {
  const util::Pipe pipe = util::make_pipe();
  const Pty pty(33);
  CHECK_FALSE(util::is_tty(pipe.write.get()));
  CHECK(util::is_tty(pty.terminal()));
  CHECK(util::terminal_width(pty.terminal()) == 33);
  CHECK(util::terminal_height(pty.terminal()) == 24);
  CHECK(util::terminal_height(pipe.write.get()) == 24);
  {
    const Environment environment{{"COLUMNS", "123"}};
    CHECK(util::terminal_width(pipe.write.get()) == 123);
  }
  const Environment environment{{"COLUMNS", "nonsense"}};
  CHECK(util::terminal_width(pipe.write.get()) == 80);
}

TEST_CASE("colour follows NO_COLOR, then CLICOLOR_FORCE, then the terminal") {
  const util::Pipe pipe = util::make_pipe();
  const Pty pty(80);
  {
    const Environment none{{"NO_COLOR", ""}, {"CLICOLOR_FORCE", ""}, {"TERM", "xterm"}};
    CHECK(util::wants_colour(pty.terminal()));
    CHECK_FALSE(util::wants_colour(pipe.write.get()));
    CHECK(util::can_redraw(pty.terminal()));
  }
  {
    const Environment forced{{"NO_COLOR", ""}, {"CLICOLOR_FORCE", "1"}, {"TERM", "dumb"}};
    CHECK(util::wants_colour(pipe.write.get()));
    CHECK_FALSE(util::can_redraw(pty.terminal()));
  }
  {
    const Environment off{{"NO_COLOR", ""}, {"CLICOLOR_FORCE", "0"}, {"TERM", "dumb"}};
    CHECK_FALSE(util::wants_colour(pty.terminal()));
  }
  const Environment both{{"NO_COLOR", "1"}, {"CLICOLOR_FORCE", "1"}, {"TERM", "xterm"}};
  CHECK_FALSE(util::wants_colour(pty.terminal()));
}

TEST_CASE("the first locale variable that is set decides about UTF-8") {
  {
    const Environment environment{{"LC_ALL", ""}, {"LC_CTYPE", ""}, {"LANG", "en_US.UTF-8"}};
    CHECK(util::utf8_locale());
  }
  {
    const Environment environment{{"LC_ALL", "C"}, {"LC_CTYPE", ""}, {"LANG", "en_US.UTF-8"}};
    CHECK_FALSE(util::utf8_locale());
  }
  {
    const Environment environment{{"LC_ALL", ""}, {"LC_CTYPE", "C.utf8"}, {"LANG", "C"}};
    CHECK(util::utf8_locale());
  }
  const Environment environment{{"LC_ALL", ""}, {"LC_CTYPE", ""}, {"LANG", ""}};
  CHECK_FALSE(util::utf8_locale());
}

TEST_CASE("a hidden cursor comes back at the end of the scope") {
  Pty pty(80);
  {
    const util::HiddenCursor hidden(pty.terminal());
    CHECK(pty.read_until("\x1b[?25l").find("\x1b[?25l") != std::string::npos);
  }
  CHECK(pty.read_until("\x1b[?25h") == "\x1b[?25h");
  util::show_cursor();
}

TEST_CASE("a signal that ends the process shows the cursor first") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGABRT}) {
    CAPTURE(number);
    Pty pty(80);
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(number, SIG_DFL);  // the test framework may have its own
      const util::HiddenCursor hidden(pty.terminal());
      ::raise(number);
      ::_exit(0);
    }
    CHECK(pty.read_until("\x1b[?25h") == "\x1b[?25l\x1b[?25h");
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == number);
  }
}

TEST_CASE("a stopped process shows the cursor, and hides it when it goes on") {
  Pty pty(80);
  const pid_t child = ::fork();
  if (child == 0) {
    const util::HiddenCursor hidden(pty.terminal());
    ::raise(SIGTSTP);
    ::_exit(0);
  }
  CHECK(pty.read_until("\x1b[?25h") == "\x1b[?25l\x1b[?25h");
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  CHECK(WIFSTOPPED(status));
  ::kill(child, SIGCONT);
  CHECK(pty.read_until("\x1b[?25l") == "\x1b[?25l");
  ::waitpid(child, &status, 0);
}

TEST_CASE("handlers that others installed are left alone") {
  const auto mine = [](int) {};
  const auto before = std::signal(SIGTERM, mine);
  Pty pty(80);
  { const util::HiddenCursor hidden(pty.terminal()); }
  CHECK((std::signal(SIGTERM, before) == static_cast<void (*)(int)>(mine)));
}

TEST_CASE("a prompt reads one line and leaves the rest") {
  const util::Pipe in = util::make_pipe();
  const util::Pipe out = util::make_pipe();
  REQUIRE(::write(in.write.get(), "yes\nmore\nlast", 13) == 13);
  CHECK(util::prompt_line("Sure? ", in.read.get(), out.write.get(), nullptr) == "yes");
  char buffer[16];
  CHECK(::read(out.read.get(), buffer, sizeof buffer) == 6);
  CHECK(util::prompt_line("", in.read.get(), out.write.get(), nullptr) == "more");
}

TEST_CASE("a prompt ends with its input, or when cancelled") {
  util::Pipe in = util::make_pipe();
  const util::Pipe out = util::make_pipe();
  util::CancelToken cancel;
  cancel.cancel();
  CHECK_FALSE(util::prompt_line("", in.read.get(), out.write.get(), &cancel).has_value());
  REQUIRE(::write(in.write.get(), "last", 4) == 4);
  in.write.reset();
  CHECK(util::prompt_line("", in.read.get(), out.write.get(), nullptr) == "last");
  CHECK_FALSE(util::prompt_line("", in.read.get(), out.write.get(), nullptr).has_value());
}
