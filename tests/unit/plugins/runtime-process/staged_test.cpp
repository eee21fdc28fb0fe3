// SPDX-License-Identifier: Apache-2.0
// Content beside a volume's, with every call interrupted before each of its system calls that
// change the disk, and every next call made of what was left.
#include "runtime-process/staged.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <common/archive.hpp>
#include <fstream>

#include "runtime-process/sys.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace runtime_process;

namespace {

int kill_at = -1;  // the call before which this process dies; -1: none
int calls = 0;

void strike() {
  if (kill_at >= 0 && calls++ == kill_at) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// In front of the C library's own, also for the libraries that this program uses.
#pragma GCC visibility push(default)
extern "C" {
int rename(const char* from, const char* to) noexcept {
  strike();
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int mkdir(const char* path, mode_t mode) noexcept {
  strike();
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  strike();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
}
int remove(const char* path) noexcept {
  strike();
  const auto rc = ::syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  return static_cast<int>(rc == 0 ? 0 : ::syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}
int fsync(int fd) {
  strike();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
}
#pragma GCC visibility pop

namespace {

// Hundreds of worlds are brought to disk here: one in memory is as good.
const bool in_memory = ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

class World {
 public:
  explicit World(bool had) : had_(had) {
    settings_ = read_settings(json::serialize(json::object{
        {"stack", "test"},
        {"instance", "runtime"},
        {"config_dir", dir_.path().string()},
        {"state_dir", (dir_ / "state").string()},
        {"config", json::object{{"data_dir", (dir_ / "data").string()},
                                {"services", {{"a", {{"command", {"sleep", "60"}}}}}}}}}));
    if (had) write(dir_ / "data/a", "old");
    write(dir_ / "content", "new");
    fs::create_directory(dir_ / "content/folder");
    const Fd stream(::open((dir_ / "stream").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    fbx::common::write_archive(dir_ / "content", stream.get(), [](int, short) {});
  }

  // The code that it failed with, or FBX_OK.
  fbx_rc call(const std::string& what) {
    ::fbx_op raw{&host_, {}};
    fbx::Op op(&fusebox::test::fake::table, &raw);
    json::object request{{"volume", "a"}, {"tag", "2026t1"}};
    const Fd stream(::open((dir_ / "stream").c_str(), O_RDONLY | O_CLOEXEC));
    try {
      if (what == "stage") {
        stage_volume(op, settings_, json::serialize(request), stream.get());
      } else {
        request["to"] = what;
        turn_volume(op, settings_, json::serialize(request));
      }
      return FBX_OK;
    } catch (const fbx::Error& e) {
      return e.rc();
    }
  }

  // In a process of its own, that dies before its change number `at`; false when it has fewer.
  bool killed(const std::string& what, int at) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      kill_at = at;
      call(what);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  std::string live() const {
    return read_file(dir_ / "data/a/file").value_or(fs::exists(dir_ / "data/a") ? "empty" : "none");
  }
  std::string before() const { return had_ ? "old" : "none"; }
  bool clean() const { return !fs::exists(dir_ / "data/.staged"); }
  const Settings& settings() const { return settings_; }
  fs::path data() const { return dir_ / "data"; }

 private:
  static void write(const fs::path& folder, std::string_view text) {
    fs::create_directories(folder);
    std::ofstream(folder / "file") << text;
  }
  fusebox::test::TempDir dir_;
  fusebox::test::FakeHost host_;
  Settings settings_;
  bool had_;
};

// What must hold when `was` was interrupted and `then` is called.
void check(World& world, const std::string& was, const std::string& then) {
  const fbx_rc rc = world.call(then);
  const bool ok = rc == FBX_OK;
  CHECK(world.call(then) == rc);
  const std::string live = world.live();
  const bool old_or_new = live == world.before() || live == "new";
  if (then == "old") {
    if (was == "settled") {
      CHECK((ok || rc == FBX_CONFLICT));
      if (ok) CHECK(old_or_new);
    } else {
      CHECK(ok);
      CHECK(live == world.before());
    }
    if (ok) CHECK(world.clean());
  } else if (then == "new") {
    if (was == "new") CHECK(ok);
    if (was == "stage" || was == "old") CHECK((ok || rc == FBX_NOT_FOUND));
    if (was == "settled") CHECK((ok || rc == FBX_NOT_FOUND || rc == FBX_CONFLICT));
    CHECK(live == (ok || was == "settled" ? "new" : world.before()));
  } else {
    if (was == "settled") CHECK(ok);
    CHECK((ok || rc == FBX_CONFLICT));
    if (ok) {
      CHECK(old_or_new);
      CHECK(world.clean());
    }
    if (was == "settled") CHECK(live == "new");
  }
  // There is always a way to one of the two, whole, with nothing left.
  if (world.call("old") != FBX_OK) CHECK(world.call("settled") == FBX_OK);
  CHECK((world.live() == world.before() || world.live() == "new"));
  CHECK(world.clean());
}

}  // namespace

TEST_CASE(
    "kill -9 before every change on disk: the next call leads to the old content or the new") {
  for (const bool had : {true, false}) {
    for (const std::string was : {"stage", "new", "old", "settled"}) {
      for (const std::string then : {"new", "old", "settled"}) {
        for (int at = 0;; ++at) {
          CAPTURE(had);
          CAPTURE(was);
          CAPTURE(then);
          CAPTURE(at);
          World world(had);
          if (was != "stage") REQUIRE(world.call("stage") == FBX_OK);
          if (was == "old" || was == "settled") REQUIRE(world.call("new") == FBX_OK);
          const bool died = world.killed(was, at);
          check(world, was, then);
          if (!died) {
            CHECK(at >= 5);
            break;
          }
          REQUIRE(at < 100);
        }
      }
    }
  }
}

TEST_CASE("a stage that was interrupted is done again from nothing") {
  for (int at = 0;; ++at) {
    CAPTURE(at);
    World world(true);
    REQUIRE(world.call("stage") == FBX_OK);
    const bool died = world.killed("stage", at);
    CHECK(world.call("stage") == FBX_OK);
    CHECK(world.call("new") == FBX_OK);
    CHECK(world.live() == "new");
    CHECK(world.call("settled") == FBX_OK);
    CHECK(world.clean());
    if (!died) break;
    REQUIRE(at < 100);
  }
}

TEST_CASE("while nothing is live, it is told, and what appears in its place is not covered") {
  World world(true);
  REQUIRE(world.call("stage") == FBX_OK);
  CHECK(interrupted_turn(world.settings(), "a") == "");
  for (int at = 0; fs::exists(world.data() / "a"); ++at) {
    REQUIRE(world.killed("new", at));
    REQUIRE(at < 20);
  }
  CHECK(interrupted_turn(world.settings(), "a") == "2026t1");
  fs::create_directory(world.data() / "a");
  for (const char* to : {"new", "old", "settled"}) CHECK(world.call(to) == FBX_CONFLICT);
  CHECK(world.live() == "empty");
  fs::remove(world.data() / "a");
  CHECK(world.call("old") == FBX_OK);
  CHECK(world.live() == "old");
  CHECK(world.clean());
}
