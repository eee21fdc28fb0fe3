// SPDX-License-Identifier: Apache-2.0
#include "plugin/guest_process.hpp"

#include "plugin/op.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <thread>

namespace fusebox::plugin {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kControlTime = 5s;   // for the process to take or finish a control message
constexpr auto kFrameTime = 5s;     // for the rest of a message that has begun
constexpr auto kDeathTime = 500ms;  // between the end of a connection and that of its process
constexpr auto kLook = 10ms;        // where the system cannot tell when a child ends
constexpr std::size_t kMaxLine = 4096;
constexpr int kReads = 64;  // of its stderr at a time: it may never cease

// All of our own environment that a guest gets.
constexpr const char* kEnvironment[] = {"HOME",
                                        "LANG",
                                        "LC_ALL",
                                        "LOGNAME",
                                        "PATH",
                                        "TERM",
                                        "TMPDIR",
                                        "TZ",
                                        "USER",
                                        "XDG_CONFIG_HOME",
                                        "XDG_CACHE_HOME",
                                        "XDG_DATA_HOME",
                                        "XDG_RUNTIME_DIR",
                                        "XDG_STATE_HOME"};

// For messages that belong to no call.
class PatientWait : public wire::Waiter {
 public:
  explicit PatientWait(std::optional<std::chrono::milliseconds> between) : between_(between) {}
  void wait(int fd, short events, bool within_frame) override {
    pollfd entry{fd, events, 0};
    const auto limit =
        within_frame ? std::optional<std::chrono::milliseconds>(kFrameTime) : between_;
    const int ready = ::poll(&entry, 1, limit ? static_cast<int>(limit->count()) : -1);
    if (ready == 0) throw wire::ProtocolError("stopped in the middle of a message");
  }

 private:
  std::optional<std::chrono::milliseconds> between_;  // messages; nothing: for ever
};

}  // namespace

std::shared_ptr<GuestProcess> GuestProcess::start(const std::filesystem::path& program) {
  std::shared_ptr<GuestProcess> process(new GuestProcess);
  wire::Pair control = wire::make_pair();
  util::Pipe err = util::make_pipe();
  util::set_nonblocking(err.read.get(), true);
  process->control_ = std::make_unique<wire::Channel>(std::move(control.ours));
  process->watch(process->control_->fd());
  auto started = std::make_shared<std::promise<void>>();
  std::thread([process, program, started, theirs = std::move(control.theirs),
               err_write = std::move(err.write), err_read = std::move(err.read)]() mutable {
    process->attend(program, std::move(theirs), std::move(err_write), err_read.get(),
                    [&](std::exception_ptr failed) {
                      if (failed)
                        started->set_exception(failed);
                      else
                        started->set_value();
                    });
  }).detach();
  started->get_future().get();
  return process;
}

GuestProcess::~GuestProcess() = default;

bool GuestProcess::alive() const {
  const std::lock_guard lock(mutex_);
  return !ended_ && reason_.empty() && !dismissed_;
}

// ---- Its end ------------------------------------------------------------------------------------

void GuestProcess::kill(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;  // by itself, which is what is to be told
  if (reason_.empty()) reason_ = reason;
  if (child_) child_->signal(SIGKILL);
}

void GuestProcess::dismiss() {
  const std::lock_guard lock(mutex_);
  dismissed_ = true;
  if (!ended_) ::shutdown(control_->fd(), SHUT_RDWR);
}

bool GuestProcess::wait_until(Clock::time_point time) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, time, [this] { return ended_ && sides_ == 0; });
}

std::string GuestProcess::obituary() {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kDeathTime, [this] { return ended_.has_value(); })) {
      lock.unlock();
      kill("closed its connection to fusebox");
      lock.lock();
      changed_.wait_for(lock, kDeathTime, [this] { return ended_.has_value(); });
    }
  }
  const std::lock_guard lock(mutex_);
  if (!reason_.empty()) return "was ended, because it " + reason_;
  if (!ended_) return "does not answer";
  if (ended_->signal != 0)
    return fmt::format("was killed by signal {} ({})", ended_->signal, ::strsignal(ended_->signal));
  return fmt::format("called exit({})", ended_->exit_code);
}

int GuestProcess::foreign_signal() const {
  const std::lock_guard lock(mutex_);
  return ended_ && reason_.empty() ? ended_->signal : 0;
}

void GuestProcess::reap() {
  const std::lock_guard lock(mutex_);
  child_->signal(SIGKILL);  // what it left behind of its session
  ended_ = child_->reap();
  for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  changed_.notify_all();
}

// ---- Its sockets --------------------------------------------------------------------------------

void GuestProcess::watch(int socket) {
  const std::lock_guard lock(mutex_);
  if (ended_)
    ::shutdown(socket, SHUT_RDWR);
  else
    sockets_.insert(socket);
}

void GuestProcess::unwatch(int socket) {
  const std::lock_guard lock(mutex_);
  sockets_.erase(socket);
}

GuestProcess::LaneEnds GuestProcess::open_lane() {
  wire::Pair lane = wire::make_pair();
  util::Pipe cancel = util::make_pipe();
  PatientWait waiter(kControlTime);
  const std::lock_guard lock(control_mutex_);
  const int fds[] = {lane.theirs.get(), cancel.read.get()};
  control_->send(wire::Lane{}, waiter, fds);
  return {std::move(lane.ours), std::move(cancel.write)};
}

// ---- The attendant ------------------------------------------------------------------------------

void GuestProcess::attend(const std::filesystem::path& program, util::UniqueFd theirs,
                          util::UniqueFd err_write, int err,
                          const std::function<void(std::exception_ptr)>& started) {
  // Signals are the business of other threads.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  try {
    util::ProcessSpec spec;
    spec.command = {program.string()};
    std::vector<std::string> environment;
    for (const char* name : kEnvironment)
      if (const char* value = std::getenv(name))
        environment.push_back(fmt::format("{}={}", name, value));
    std::vector<char*> envp;
    for (std::string& entry : environment) envp.push_back(entry.data());
    envp.push_back(nullptr);
    spec.envp = envp.data();
    auto child = std::make_unique<util::Child>(
        spec, util::ProcessFds{theirs.get(), -1, err_write.get()}, util::Group::session);
    const std::lock_guard lock(mutex_);
    child_ = std::move(child);
  } catch (...) {
    return started(std::current_exception());
  }
  theirs.reset();
  err_write.reset();
  started(nullptr);
  try {
    listen(err);
  } catch (const std::exception& error) {
    kill(error.what());
    while (!child_->exited()) std::this_thread::sleep_for(kLook);
  }
  read_stderr(err);
  reap();
}

// Until the process has ended.
void GuestProcess::listen(int err) {
  int control = control_->fd();
  bool has_stderr = true;
  auto patience = Clock::time_point::max();
  while (!child_->exited()) {
    if (Clock::now() >= patience) {
      kill(wire::Closed().what());
      patience = Clock::time_point::max();
    }
    std::array<pollfd, 3> entries{
        {{control, POLLIN, 0}, {has_stderr ? err : -1, POLLIN, 0}, {child_->fd(), POLLIN, 0}}};
    const bool has_to_look = child_->fd() < 0 || patience != Clock::time_point::max();
    ::poll(entries.data(), entries.size(), has_to_look ? static_cast<int>(kLook.count()) : -1);
    if ((entries[1].revents & POLLIN) != 0)
      read_stderr(err);
    else if (entries[1].revents != 0)
      has_stderr = false;
    if (entries[0].revents == 0) continue;
    try {
      take_side();
    } catch (const wire::Closed&) {
      control = -1;
      const std::lock_guard lock(mutex_);
      if (!dismissed_) patience = Clock::now() + kDeathTime;  // so it is about to end, or should be
    } catch (const wire::ProtocolError& error) {
      control = -1;
      kill(error.what());
    }
  }
}

void GuestProcess::take_side() {
  PatientWait waiter(kControlTime);
  wire::Frame frame = control_->receive(waiter);
  wire::decode<wire::Side>(frame);
  {
    const std::lock_guard lock(mutex_);
    if (++sides_ > wire::kMaxSideLanes) {
      --sides_;
      throw wire::ProtocolError("opened too many side lanes");
    }
  }
  std::thread([self = shared_from_this(), socket = std::move(frame.fds.front())]() mutable {
    self->serve_side(std::move(socket));
  }).detach();
}

void GuestProcess::serve_side(util::UniqueFd socket) {
  const int fd = socket.get();
  watch(fd);
  try {
    wire::Channel channel(std::move(socket));
    PatientWait waiter(std::nullopt);
    try {
      Exchange(channel, waiter, kHostTable).serve_side(ops_);
    } catch (const wire::Closed&) {
      // The guest has no more use for it, or is gone.
    }
    unwatch(fd);
  } catch (const std::exception& error) {
    unwatch(fd);
    kill(error.what());
  }
  const std::lock_guard lock(mutex_);
  --sides_;
  changed_.notify_all();
}

// What it writes to stderr is a line of the log of what it is doing.
void GuestProcess::read_stderr(int fd) {
  std::array<char, 4096> buffer;
  for (int i = 0; i < kReads; ++i) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n <= 0) return;
    for (const char byte : std::string_view(buffer.data(), static_cast<std::size_t>(n))) {
      if (byte != '\n' && line_.size() < kMaxLine) {
        line_ += byte;
        continue;
      }
      tell_line(line_);
      line_.clear();
    }
  }
}

void GuestProcess::tell_line(std::string_view line) {
  const auto op = ops_.newest();
  if (op && !line.empty()) kHostTable.log(op->op, FBX_LOG_WARN, {line.data(), line.size()});
}

}  // namespace fusebox::plugin
