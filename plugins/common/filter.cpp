// SPDX-License-Identifier: Apache-2.0
#include "common/filter.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

extern char** environ;

namespace fbx::common {

namespace {

constexpr std::size_t kMaxStdin = 4096;
constexpr int kInput = 3;

// A copy above the descriptors that the child is given, so that no dup2 there overwrites one that a
// later one still needs.
Fd lifted(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kInput + 1));
  if (!copy) throw io_error("duplicate", "a pipe", errno);
  return copy;
}

#if defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
constexpr short kInheritNone = POSIX_SPAWN_CLOEXEC_DEFAULT;
#else
constexpr short kInheritNone = 0;
#endif
constexpr short kFlags =
    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP | kInheritNone;

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::sigset_t none;
    ::sigset_t pipe;
    ::sigemptyset(&none);
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &pipe);
    ::posix_spawnattr_setpgroup(&attributes_, 0);  // Ctrl-C is the host's to answer
    ::posix_spawnattr_setflags(&attributes_, kFlags);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  void give(const Fd& fd, int target) {
    ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), target);
  }
  // Descriptors that a host left open to its children would keep a stream from its end.
  void close_others() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kInput + 1);
#endif
  }
  const ::posix_spawn_file_actions_t* actions() const { return &actions_; }
  const ::posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  ::posix_spawn_file_actions_t actions_{};
  ::posix_spawnattr_t attributes_{};
};

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

// What the child gets.
struct Filter::Ends {
  int text;
  int err;
};

Filter::Filter(const Op& op, std::vector<std::string> command, std::string_view stdin_text,
               const std::string& what)
    : op_(&op), what_(what), in_(op, -1, what), out_(op, -1, what) {
  if (stdin_text.size() > kMaxStdin)
    throw Error(FBX_ARGUMENT, fmt::format("what {} gets on stdin is too long", command.front()));
  const Pipe text = make_pipe();
  Pipe err = make_pipe();
  start(op, command, {text.read.get(), err.write.get()}, what);
  err_fd_ = std::move(err.read);
  Stream(op, text.write.get(), what).write(stdin_text);
}

Filter::Filter(const Op& op, std::vector<std::string> command, FilterStreams streams,
               const std::string& what)
    : op_(&op), what_(what), in_(op, -1, what), out_(op, -1, what) {
  start(op, command, {streams.in, streams.err}, what);
}

void Filter::start(const Op& op, std::vector<std::string>& command, const Ends& ends,
                   const std::string& what) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  const Fd child_text = lifted(ends.text);
  const Fd child_in = lifted(in.read.get());
  const Fd child_out = lifted(out.write.get());
  const Fd child_err = lifted(ends.err);
  SpawnSettings settings;
  settings.give(child_text, STDIN_FILENO);
  settings.give(child_out, STDOUT_FILENO);
  settings.give(child_err, STDERR_FILENO);
  settings.give(child_in, kInput);
  settings.close_others();
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int error = ::posix_spawnp(&pid_, argv[0], settings.actions(), settings.attributes(),
                                   argv.data(), environ);
  if (error != 0) {
    pid_ = -1;
    throw Error(error == ENOENT ? FBX_NOT_FOUND : FBX_IO,
                fmt::format("{} cannot be started: {}", command.front(),
                            std::generic_category().message(error)),
                fmt::format("install {}, or add its folder to PATH", command.front()));
  }
  in_fd_ = std::move(in.write);
  out_fd_ = std::move(out.read);
  in_ = Stream(op, in_fd_.get(), what);
  out_ = Stream(op, out_fd_.get(), what);
}

Filter::~Filter() {
  if (pid_ < 0) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void Filter::kill() const noexcept {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);  // what it started goes, too
}

FilterEnd Filter::wait() {
  close();
  FilterEnd end;
  int status = 0;
  for (;;) {
    const ::pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_ || (ended < 0 && errno != EINTR)) break;
    op_->check(what_);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pid_ = -1;
  end.exit_code = code_of(status);
  if (!err_fd_) return end;
  ::fcntl(err_fd_.get(), F_SETFL, O_NONBLOCK);
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(err_fd_.get(), buffer.data(), buffer.size())) > 0;)
    end.err.append(buffer.data(), static_cast<std::size_t>(got));
  return end;
}

}  // namespace fbx::common
