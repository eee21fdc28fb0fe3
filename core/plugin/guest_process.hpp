// SPDX-License-Identifier: Apache-2.0
// The process of one isolated plugin: its start, what it asks beside its calls, and its end.
#pragma once

#include "plugin/exchange.hpp"
#include "plugin/wire.hpp"
#include "util/spawn.hpp"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace fusebox::plugin {

// Thread-safe. Shared with its own threads, which end soon after the process does.
class GuestProcess : public std::enable_shared_from_this<GuestProcess> {
 public:
  // Runs `program` with a control socket as its stdin and a clean environment, in a session of its
  // own; it dies with this process. Throws Error when it cannot be started.
  static std::shared_ptr<GuestProcess> start(const std::filesystem::path& program);
  ~GuestProcess();
  GuestProcess(const GuestProcess&) = delete;
  GuestProcess& operator=(const GuestProcess&) = delete;

  LiveOps& ops() { return ops_; }
  // Neither ended nor about to.
  bool alive() const;

  // A new lane, or side lane, that the process gets the other end of.
  struct LaneEnds {
    util::UniqueFd socket;
    util::UniqueFd cancel;  // written to, the call on the lane is cancelled
  };
  // Throws wire::Closed.
  LaneEnds open_lane();
  // Sockets that end with the process, also where something that it left behind holds them.
  void watch(int socket);
  void unwatch(int socket);

  // Ends it at once, with all of its session; the first reason counts. The text follows "its
  // process was ended, because it ".
  void kill(const std::string& reason);
  // Ends it when it has nothing left to do: its control socket closes.
  void dismiss();
  // False when it has not ended by then.
  bool wait_until(std::chrono::steady_clock::time_point time) const;
  // How it ended: "was killed by signal 11 (Segmentation fault)", "called exit(3)", "was ended,
  // because ...". Waits a moment for one that is about to.
  std::string obituary();
  // The signal that ended it, when we did not send it; else 0.
  int foreign_signal() const;

 private:
  GuestProcess() = default;

  // The thread that starts the process, and so has to live as long: the system ends a child with
  // the thread that made it.
  void attend(const std::filesystem::path& program, util::UniqueFd theirs, util::UniqueFd err_write,
              int err, const std::function<void(std::exception_ptr)>& started);
  void listen(int err);
  void take_side();
  void serve_side(util::UniqueFd socket);
  void read_stderr(int fd);
  void tell_line(std::string_view line);
  void reap();

  LiveOps ops_;
  std::mutex control_mutex_;
  std::unique_ptr<wire::Channel> control_;
  std::string line_;  // of its stderr, not whole yet; the attendant's own

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::unique_ptr<util::Child> child_;
  std::set<int> sockets_;
  std::size_t sides_ = 0;
  std::string reason_;  // why we ended it
  bool dismissed_ = false;
  std::optional<util::ProcessResult> ended_;
};

}  // namespace fusebox::plugin
