// SPDX-License-Identifier: Apache-2.0
#include "monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "common/deadline.hpp"
#include "common/result.hpp"
#include "last_copy.hpp"

namespace fbx::external {

namespace {

using namespace std::chrono_literals;

// While the drive stays: so often the store is asked for new generations, and a sync that failed is
// tried again.
constexpr std::chrono::milliseconds kAgain = 5min;
// The same while another one works on the drive.
constexpr std::chrono::milliseconds kSoon = 2s;

enum class Presence { absent, refused, there };

class Monitor {
 public:
  Monitor(const Op& op, const SyncContext& context, const common::json::object& with)
      : op_(op),
        context_(context),
        once_(common::boolean_at(with, "once").value_or(false)),
        end_(op, common::duration_at(with, "for").value_or(24h * 366)) {}

  std::string run() {
    while (!end_.passed()) {
      const Presence now = look();
      const bool came = now == Presence::there && before_ != Presence::there;
      before_ = now;
      if (now == Presence::there && (came || Clock::now() >= again_) && sync_once() && once_)
        return answer();
      op_.progress(syncs_, 0, "syncs", waiting_text(now));
      const auto pause = now == Presence::there
                             ? std::chrono::ceil<std::chrono::milliseconds>(again_ - Clock::now())
                             : kAgain;
      mounts_.wait(op_, std::clamp<std::chrono::milliseconds>(pause, 0ms, end_.left()));
    }
    if (once_)
      throw Error(FBX_SKIPPED, fmt::format("the external drive did not come; {}", last_text()),
                  "plug it in, then `fusebox backup sync`");
    return answer();
  }

 private:
  using Clock = common::Deadline::Clock;

  Presence look() {
    try {
      context_.drive.open();
      told_.clear();
      return Presence::there;
    } catch (const Error& error) {
      if (error.rc() == FBX_SKIPPED) return Presence::absent;
      if (told_ != error.what()) op_.log(Level::warn, error.what());
      told_ = error.what();
      return Presence::refused;
    }
  }

  bool sync_once() {
    again_ = Clock::now() + kAgain;
    try {
      const auto result =
          common::parse_object(sync(op_, context_), "the result of a sync", FBX_INTERNAL);
      last_ = common::text_at(result, "summary").value_or("");
      op_.log(Level::info, last_);
      ++syncs_;
      return true;
    } catch (const Error& error) {
      op_.check("syncing");
      if (error.rc() == FBX_CONFLICT) again_ = Clock::now() + kSoon;
      last_ = fmt::format("failed: {}", error.what());
      op_.log(error.rc() == FBX_CONFLICT ? Level::info : Level::error,
              fmt::format("{} ({})", error.what(), error.hint()));
      return false;
    }
  }

  std::string last_text() const {
    return last_copy_text(read_last_copy(context_.context.state_dir));
  }

  std::string waiting_text(Presence now) const {
    if (now == Presence::there) return last_;
    return fmt::format("waiting for the drive at {}; {}", context_.drive.path().string(),
                       last_text());
  }

  std::string answer() const {
    common::Result result;
    result.summary(syncs_ == 0 ? fmt::format("no sync; {}", last_text()) : last_);
    result.metric("syncs", static_cast<std::int64_t>(syncs_), "");
    result.changed(syncs_ != 0);
    return result.json();
  }

  const Op& op_;
  const SyncContext& context_;
  bool once_;
  common::Deadline end_;
  MountWatch mounts_;
  Presence before_ = Presence::absent;
  Clock::time_point again_{};
  std::string told_;  // why the drive is refused
  std::string last_;  // what the last sync said
  std::uint64_t syncs_ = 0;
};

}  // namespace

std::string monitor(const Op& op, const SyncContext& context, const common::json::object& with) {
  return Monitor(op, context, with).run();
}

}  // namespace fbx::external
