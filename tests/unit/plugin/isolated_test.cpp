// SPDX-License-Identifier: Apache-2.0
// What a process of its own adds: host_test.cpp and process_service_test.cpp are run there too.
#include "stack.hpp"
#include "util/fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <thread>

using namespace fusebox;
using fusebox::test::Stack;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// What a call says when it fails within `limit`, and little longer.
std::string late_failure(Stack& stack, const std::string& instance, std::chrono::milliseconds limit,
                         std::chrono::milliseconds grace) {
  plugin::CallContext c = stack.context();
  c.deadline = Clock::now() + limit;
  c.grace = grace;
  try {
    stack.host->run(instance, Stack::request("bite"), c);
    return "ok";
  } catch (const Error& e) {
    return fmt::format("{}: {}", to_string(e.code()), e.what());
  }
}

bool holds(const std::vector<std::string>& lines, std::string_view line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

long number_after(const std::vector<std::string>& lines, std::string_view word) {
  for (const std::string& line : lines)
    if (line.starts_with(word)) return std::stol(line.substr(word.size()));
  return -1;
}

}  // namespace

TEST_CASE("a plugin that does not end, wherever it is, is killed a little after its deadline") {
  for (const std::string animal : {"hangs", "hangs-create", "spins", "stops", "logs-endlessly"}) {
    CAPTURE(animal);
    Stack stack(fmt::format("[plugins.zoo-{}]\n", animal));
    const auto begin = Clock::now();
    const std::string said = late_failure(stack, fmt::format("zoo-{}", animal), 300ms, 400ms);
    CHECK(
        said ==
        fmt::format("timeout: plugin \"zoo-{}\" did not end within 300ms of its deadline, and its "
                    "process was killed",
                    animal));
    CHECK(Clock::now() - begin < 20s);
  }
}

TEST_CASE("a plugin that does not heed its cancellation is killed when the grace is nearly over") {
  Stack stack("[plugins.zoo-hangs]\n");
  std::thread canceller([&] {
    std::this_thread::sleep_for(100ms);
    stack.cancel.cancel();
  });
  const std::string said = late_failure(stack, "zoo-hangs", 60s, 400ms);
  canceller.join();
  CHECK(said ==
        "cancelled: plugin \"zoo-hangs\" did not end within 300ms of being told to stop, and its "
        "process was killed");
}

TEST_CASE("a process that ends is told of by how it ended, and the next call has a new one") {
  const struct {
    std::string animal;
    const char* expected;
  } cases[] = {
      {"aborts", "was killed by signal 6 (Aborted)"},
      {"segfaults", "was killed by signal 11 (Segmentation fault)"},
      {"crashes-load", "was killed by signal 11 (Segmentation fault)"},
      {"crashes-create", "was killed by signal 11 (Segmentation fault)"},
      {"crashes-interface", "was killed by signal 11 (Segmentation fault)"},
      {"overflows-stack", "was killed by signal 11 (Segmentation fault)"},
      {"kills-group", "was killed by signal 9 (Killed)"},
      {"terminates", "was killed by signal 15 (Terminated)"},
      {"exits", "called exit(0)"},
      {"exits-orderly", "called exit(3)"},
      {"forks", "called exit(0)"},
      {"writes-garbage", "was ended, because it sent something that is no message"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.animal);
    Stack stack(fmt::format("[plugins.zoo-{}]\n", c.animal));
    for (int i = 0; i < 2; ++i) {
      const std::string said = stack.failure(fmt::format("zoo-{}", c.animal));
      CAPTURE(said);
      CHECK(said.starts_with(
          fmt::format("internal: the process of plugin \"zoo-{}\" {}", c.animal, c.expected)));
    }
  }
}

TEST_CASE("another call into a process that is killed fails too, and says why") {
  Stack stack("[plugins.zoo-hangs]\n");
  plugin::CallContext patient = stack.context();
  patient.deadline = Clock::now() + 60s;
  stack.host->prepare("zoo-hangs", patient);
  std::string other;
  std::thread second([&] {
    try {
      stack.host->run("zoo-hangs", Stack::request("bite"), patient);
    } catch (const Error& e) {
      other = e.what();
    }
  });
  std::this_thread::sleep_for(50ms);
  CHECK(late_failure(stack, "zoo-hangs", 50ms, 100ms).starts_with("timeout: "));
  second.join();
  CHECK(other ==
        "the process of plugin \"zoo-hangs\" was ended, because it did not heed the end of another "
        "call");
}

TEST_CASE("the process sees little of ours") {
  const util::UniqueFd file(::open(FUSEBOX_PLUGIN_HOST, O_RDONLY));  // as a careless library would
  REQUIRE(file);
  ::setenv("FUSEBOX_TEST_SECRET_OF_OURS", "1", 1);
  Stack stack("[plugins.zoo-looks-around]\n");
  CHECK(stack.failure("zoo-looks-around") == "ok");
  ::unsetenv("FUSEBOX_TEST_SECRET_OF_OURS");
  CHECK(holds(stack.log, "environment PATH"));
  CHECK_FALSE(holds(stack.log, "environment FUSEBOX_TEST_SECRET_OF_OURS"));
  const auto size = std::filesystem::file_size(FUSEBOX_PLUGIN_HOST);
  CHECK_FALSE(holds(stack.log, fmt::format("file {}", size)));
  CHECK(holds(stack.log, "core 0"));
  CHECK(holds(stack.log, "session 1"));
  const long pid = number_after(stack.log, "pid ");
  CHECK(pid != ::getpid());
  CHECK(::kill(static_cast<pid_t>(pid), 0) == 0);
  stack.host.reset();
  CHECK(::kill(static_cast<pid_t>(pid), 0) != 0);
}

TEST_CASE("the last words of a plugin on stderr are lines of its log") {
  Stack stack("[plugins.zoo-exits-orderly]\n");
  CHECK(stack.failure("zoo-exits-orderly").find("called exit(3)") != std::string::npos);
  CHECK(holds(stack.log, "the lion leaves"));
}

TEST_CASE("a plugin may speak from many threads at once") {
  Stack stack("[plugins.zoo-crowd]\n");
  CHECK(stack.failure("zoo-crowd") == "ok");
  CHECK(stack.log.size() == 4000);
}

TEST_CASE("threads that outlive their call reach nothing") {
  Stack stack("[plugins.zoo-leaks-threads]\n");
  CHECK(stack.failure("zoo-leaks-threads") == "ok");
  const std::size_t lines = stack.log.size();
  std::this_thread::sleep_for(50ms);
  CHECK(stack.log.size() == lines);
}

TEST_CASE("a process that hangs in its end is ended") {
  for (const std::string animal : {"hangs-destroy", "crashes-destroy"}) {
    CAPTURE(animal);
    const auto begin = Clock::now();
    {
      Stack stack(fmt::format("[plugins.zoo-{}]\n", animal));
      CHECK(stack.failure(fmt::format("zoo-{}", animal)) == "ok");
    }
    CHECK(Clock::now() - begin < 10s);
  }
}

TEST_CASE("settings say where a plugin runs; else it is who owns it") {
  const plugin::Catalog catalog = plugin::Catalog::discover({FUSEBOX_TEST_PLUGINS});
  const plugin::Found& found = *catalog.find("zoo-fails");
  using config::Isolation;
  CHECK(plugin::default_isolation(found, {FUSEBOX_PLUGIN_HOST, {}}) == Isolation::none);
  CHECK(plugin::default_isolation(found, {FUSEBOX_PLUGIN_HOST, FUSEBOX_TEST_PLUGINS}) ==
        Isolation::none);
  CHECK(plugin::default_isolation(found, {FUSEBOX_PLUGIN_HOST, "/usr"}) == Isolation::process);
  CHECK(plugin::default_isolation(found, {FUSEBOX_PLUGIN_HOST, "/not/there"}) ==
        Isolation::process);
  Stack stack("[plugins.zoo-fails]\nisolation = \"none\"\n[plugins.zoo-waits]\n");
  CHECK(stack.host->find("zoo-fails")->isolation == Isolation::none);
  CHECK(stack.host->find("zoo-waits")->isolation == Isolation::process);
}

TEST_CASE("without its program a plugin that is to be isolated does not run") {
  Stack stack("[plugins.zoo-fails]\nisolation = \"process\"\n");
  std::vector<config::Problem> problems;
  plugin::Host host(stack.config, stack.catalog, stack.store, problems,
                    {stack.dir / "not-there", {}});
  const plugin::CallContext c = stack.context();
  try {
    host.run("zoo-fails", Stack::request("bite"), c);
    FAIL("it ran");
  } catch (const Error& e) {
    CHECK(e.code() == Errc::not_found);
    CHECK(std::string(e.what()).find("in which plugin \"zoo-fails\" would run") !=
          std::string::npos);
  }
}

#if defined(__linux__)
TEST_CASE("the process dies with fusebox, however that dies") {
  Stack stack("[plugins.zoo-hangs]\n[plugins.zoo-looks-around]\n");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    stack.run("zoo-looks-around");
    const long pid = number_after(stack.log, "pid ");
    [[maybe_unused]] const auto n = ::write(ends[1], &pid, sizeof pid);
    for (;;) ::pause();
  }
  long pid = 0;
  REQUIRE(::read(ends[0], &pid, sizeof pid) == static_cast<ssize_t>(sizeof pid));
  CHECK(::kill(static_cast<pid_t>(pid), 0) == 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  // An orphan that nobody reaps is as good as gone.
  const auto is_gone = [&] {
    std::ifstream stat(fmt::format("/proc/{}/stat", pid));
    std::string text;
    return !std::getline(stat, text) || text.find(") Z ") != std::string::npos;
  };
  for (int i = 0; i < 500 && !is_gone(); ++i) std::this_thread::sleep_for(10ms);
  CHECK(is_gone());
  ::close(ends[0]);
  ::close(ends[1]);
}
#endif
