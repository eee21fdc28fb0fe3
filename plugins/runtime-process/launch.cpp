// SPDX-License-Identifier: Apache-2.0
#include "launch.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>

#include "shim/spec.hpp"
#include "template.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

constexpr milliseconds kill_grace{3000};

void wipe(std::string& text) {
  volatile char* p = text.data();
  for (std::size_t i = 0; i < text.size(); ++i) p[i] = 0;
}

class Attributes {
 public:
  Attributes() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  // Gives the child `fd` as `target`. A copy high up is used, so that no target hits a source.
  void give(int fd, int target) {
    copies_.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 16));
    if (!copies_.back())
      throw fbx::Error(FBX_IO, "cannot copy a descriptor: " + errno_text(errno),
                       "raise the limit of open files (ulimit -n)");
    ::posix_spawn_file_actions_adddup2(&actions_, copies_.back().get(), target);
  }
  const ::posix_spawn_file_actions_t* actions() const { return &actions_; }
  const ::posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  ::posix_spawn_file_actions_t actions_{};
  ::posix_spawnattr_t attributes_{};
  std::vector<Fd> copies_;
};

struct Spawned {
  pid_t pid = -1;
  Fd status;
};

Spawned spawn_shim(const shim::Spec& spec, Streams3 streams, int lock, std::string title) {
  const fs::path program = find_shim();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Pipe spec_pipe = make_pipe();
  Pipe status_pipe = make_pipe();
  Attributes attributes;
  attributes.give(streams.in < 0 ? null.get() : streams.in, 0);
  attributes.give(streams.out < 0 ? null.get() : streams.out, 1);
  attributes.give(streams.err < 0 ? null.get() : streams.err, 2);
  attributes.give(spec_pipe.read.get(), shim::spec_fd);
  attributes.give(status_pipe.write.get(), shim::status_fd);
  if (lock >= 0) attributes.give(lock, shim::lock_fd);
  std::string name = program.filename().string();
  std::array<char*, 3> argv{name.data(), title.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  Spawned spawned;
  const int error = ::posix_spawn(&spawned.pid, program.c_str(), attributes.actions(),
                                  attributes.attributes(), argv.data(), environment.data());
  if (error != 0)
    throw fbx::Error(FBX_IO, fmt::format("cannot run {}: {}", program.string(), errno_text(error)),
                     "install fusebox anew");
  spec_pipe.read.reset();
  std::string text = shim::to_text(spec);
  write_all(spec_pipe.write.get(), text);
  wipe(text);
  spawned.status = std::move(status_pipe.read);
  return spawned;
}

// All that the shim answers; empty when a program was executed in its place.
std::string read_status(const Fd& fd, const Wait& wait, std::string_view what) {
  std::string text;
  std::array<char, 4096> buffer{};
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  for (;;) {
    if (!wait.until(fd.get(), POLLIN, deadline, what))
      throw fbx::Error(FBX_TIMEOUT,
                       fmt::format("fusebox-shim gave no answer in 30s while {}", what),
                       "the machine may be overloaded: try again");
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void throw_status_error(const std::string& status, const std::string& service) {
  if (status.empty()) return;
  const json::object answer = json::parse(status).as_object();
  const json::value* error = answer.if_contains("error");
  if (error == nullptr) return;
  throw fbx::Error(FBX_IO,
                   fmt::format("service {}: {}", service, std::string_view(error->as_string())),
                   "check the command, the user and the permissions of the folders");
}

std::optional<int> try_reap(pid_t pid) {
  int status = 0;
  const pid_t reaped = ::waitpid(pid, &status, WNOHANG);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return std::nullopt;
  if (reaped < 0) return 255;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Its own child, not yet reaped, so that its number cannot mean anybody else.
void end_command(pid_t pid, Terminal terminal) {
  const pid_t target = terminal == Terminal::yes ? pid : -pid;
  ::kill(pid, SIGTERM);
  if (target != pid) ::kill(target, SIGTERM);
  const auto deadline = steady_clock::now() + kill_grace;
  while (steady_clock::now() < deadline) {
    if (try_reap(pid)) return;
    ::poll(nullptr, 0, 10);
  }
  ::kill(target, SIGKILL);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Values::~Values() {
  for (auto& [key, value] : environment) wipe(value);
  for (std::string& value : secrets) wipe(value);
  if (stdin_text) wipe(*stdin_text);
}

Values resolve_secrets(const fbx::Op& op, const Definition& definition) {
  Values values;
  const std::string where = fmt::format("service {}", definition.service);
  const auto value_of = [&](std::string_view name) {
    const fbx::Secret secret = op.secret(name);
    values.secrets.emplace_back(secret.view());
    return std::string(secret.view());
  };
  for (const auto& [key, text] : definition.environment)
    values.environment.emplace(key, expand_secrets(text, where, value_of));
  if (definition.stdin_text)
    values.stdin_text = expand_secrets(*definition.stdin_text, where, value_of);
  return values;
}

fs::path find_shim() {
  ::Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&find_shim), &info) == 0 || info.dli_fname == nullptr)
    throw fbx::Error(FBX_INTERNAL, "cannot tell where this plugin's library is");
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored);
  for (fs::path folder = library.parent_path();; folder = folder.parent_path()) {
    const fs::path file = folder / "libexec" / "fusebox" / "fusebox-shim";
    struct ::stat status {};
    if (::stat(file.c_str(), &status) == 0) {
      const bool trusted = (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
                           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
      if (trusted) return file;
      throw fbx::Error(FBX_DENIED,
                       fmt::format("{} can be changed by others, so it is not run", file.string()),
                       "chown it to root or yourself, and chmod go-w");
    }
    if (folder == folder.root_path()) break;
  }
  throw fbx::Error(FBX_NOT_FOUND,
                   fmt::format("there is no libexec/fusebox/fusebox-shim above {}",
                               library.parent_path().string()),
                   "install fusebox anew");
}

void start_in_background(const fbx::Op& op, const fs::path& state_dir, const Record& record,
                         const Fd& lock, const Wait& wait) {
  const Definition& definition = record.definition;
  Values values = resolve_secrets(op, definition);
  shim::Spec spec;
  spec.mode = shim::Spec::Mode::service;
  spec.record = record;
  spec.environment = values.environment;
  spec.stdin_text = values.stdin_text;
  spec.redact = values.secrets;
  spec.record_file = record_file(state_dir, definition.service);
  const Spawned spawned = spawn_shim(spec, {}, lock.get(), definition.service);
  // The first shim process ends at once; the second one is on its own.
  const std::string status =
      read_status(spawned.status, wait, fmt::format("starting {}", definition.service));
  ::waitpid(spawned.pid, nullptr, 0);
  if (status.empty())
    throw fbx::Error(
        FBX_IO, fmt::format("service {}: fusebox-shim ended without an answer", definition.service),
        "check the system's log for a crash or a lack of memory");
  throw_status_error(status, definition.service);
}

int run_command(const Definition& definition, const Values& values, Streams3 streams,
                Terminal terminal, const Wait& wait, std::optional<milliseconds> timeout) {
  shim::Spec spec;
  spec.mode = shim::Spec::Mode::command;
  spec.record.definition = definition;
  spec.environment = values.environment;
  spec.own_group = terminal == Terminal::no;
  const std::string what =
      fmt::format("running {}", fs::path(definition.command.front()).filename().string());
  const Spawned spawned = spawn_shim(spec, streams, -1, definition.service);
  const auto deadline = timeout ? steady_clock::now() + *timeout : steady_clock::time_point::max();
  try {
    const std::string status = read_status(spawned.status, wait, what);
    if (!status.empty()) ::waitpid(spawned.pid, nullptr, 0);
    throw_status_error(status, definition.service);
    milliseconds pause{1};
    for (;;) {
      if (const auto code = try_reap(spawned.pid)) return *code;
      if (steady_clock::now() > deadline)
        throw fbx::Error(FBX_TIMEOUT,
                         fmt::format("{} took longer than {}", what, format_duration(*timeout)));
      wait.pause(pause, what);
      pause = std::min(pause * 2, milliseconds(20));
    }
  } catch (...) {
    if (!try_reap(spawned.pid)) end_command(spawned.pid, terminal);
    throw;
  }
}

}  // namespace runtime_process
