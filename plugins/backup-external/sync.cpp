// SPDX-License-Identifier: Apache-2.0
#include "sync.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <optional>
#include <set>
#include <vector>

#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/result.hpp"
#include "copy.hpp"
#include "last_copy.hpp"
#include "offer.hpp"

namespace fbx::external {

namespace {

namespace fs = std::filesystem;
using store::Generation;
using store::Generations;

std::string human(std::uint64_t bytes) { return common::human_size(static_cast<double>(bytes)); }

std::string count_text(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

Offer ask(const Op& op) {
  try {
    return ask_store(op);
  } catch (const Reported& reported) {
    throw common::error_of(reported);
  }
}

// One sync, from the drive's being there to its end.
class Sync {
 public:
  Sync(const Op& op, const SyncContext& context)
      : op_(op),
        context_(context),
        rules_(common::keep_policy(context.context.config)),
        min_free_(
            static_cast<std::uint64_t>(common::need_integer(context.context.config, "min_free"))),
        drive_(open(context)),
        offer_(ask(op)) {
    const fs::path where = offer_.where;
    if (!where.empty() && shares_device(drive_.folder.fd(), where))
      throw Error(
          FBX_CONFIG,
          fmt::format("the stack's store, {}, is on the external drive itself: nothing would "
                      "be a second copy",
                      where.string()),
          "sync from a store of this machine: leave out --use store, or see [use]");
  }

  std::string plan() {
    const Generations there(drive_.folder.subfolder_if_there(context_.context.stack));
    const Agenda agenda = make_agenda(offer_, there.list(), rules_);
    common::Result result;
    for (const Task& task : agenda.copy)
      result.action(fmt::format("copy {} to {} ({}{})", task.generation.name, there_path().string(),
                                human(task.generation.stored_bytes),
                                task.heals ? ", in place of a damaged copy" : ""));
    for (const Generation& one : agenda.damaged)
      result.action(fmt::format("leave out {}: {}", one.name, one.problem));
    for (const auto& verdict : agenda.remove)
      result.action(fmt::format("remove {} from the drive ({})", verdict.name,
                                fmt::join(verdict.reasons, ", ")));
    const std::string doing =
        agenda.copy.empty()
            ? std::string("nothing to copy to the drive")
            : fmt::format("would copy {} ({}) to the drive",
                          count_text(agenda.copy.size(), "generation"), human(agenda.bytes));
    result.summary(fmt::format("{}, which has {} and {} free", doing,
                               count_text(agenda.whole, "whole generation"),
                               human(drive_.folder.free_bytes())));
    return result.json();
  }

  std::string run() {
    drive_.require_writable();
    const Generations there(drive_.folder.make_subfolder(context_.context.stack));
    const common::Fd lock = there.lock();
    Agenda agenda = make_agenda(offer_, there.list(), rules_);
    require_source(agenda);
    std::set<std::string> wanted;
    for (const Task& task : agenda.copy) wanted.insert(task.generation.name);
    for (const std::string& name : there.sweep(wanted))
      op_.log(Level::info, fmt::format("removed {}, which was interrupted", name));
    remove_by_rules(there, agenda.remove);
    for (const Generation& one : agenda.pins) there.set_pin(one, one.pin);
    for (const Generation& one : agenda.damaged)
      warn(one.name, fmt::format("{} is damaged in the store, and was not copied", one.name),
           one.problem);
    for (const Task& task : agenda.copy) copy(there, task, agenda.bytes);

    const auto after = there.list();
    remove_by_rules(there, judge(after, rules_));
    drive_.require_there();
    if (failures_.empty())
      write_last_copy(context_.context.state_dir,
                      {std::chrono::system_clock::now(), agenda.newest, drive_.marker.id});
    return answer(agenda, there.list().size());
  }

 private:
  static Held open(const SyncContext& context) {
    try {
      return context.drive.open();
    } catch (const Error& error) {
      if (error.rc() != FBX_SKIPPED) throw;
      const auto last = read_last_copy(context.context.state_dir);
      throw Error(FBX_SKIPPED, fmt::format("{}; {}", error.what(), last_copy_text(last)),
                  error.hint());
    }
  }

  fs::path there_path() const { return drive_.folder.path() / context_.context.stack; }

  // An empty source is no state to copy: what the drive has may be all that is left.
  void require_source(const Agenda& agenda) const {
    if (!agenda.newest.empty()) return;
    const std::string what =
        fmt::format("the stack's store{} has no whole generation, so nothing was copied",
                    offer_.where.empty() ? "" : " " + offer_.where);
    if (agenda.whole == 0)
      throw Error(FBX_NOT_FOUND, what, "make the first one: fusebox backup create");
    throw Error(
        FBX_NOT_FOUND,
        fmt::format("{}; the drive keeps its {}", what, count_text(agenda.whole, "generation")),
        fmt::format("find out what happened to the store, before it is written to again; "
                    "what the drive has: fusebox --use store={} backup list",
                    context_.context.instance));
  }

  void copy(const Generations& there, const Task& task, std::uint64_t total) {
    const Generation& one = task.generation;
    op_.check("copying generations");
    try {
      require_room(there, one);
      const CopyContext copying{
          op_, drive_, there, [&](std::uint64_t bytes, const std::string& doing) {
            op_.progress(done_ + bytes, total, "bytes", doing + " of " + one.name);
          }};
      const Copied copied = copy_generation(copying, one);
      written_ += copied.written;
      reused_ += copied.reused;
      ++copied_;
      op_.log(Level::info, fmt::format("copied {} ({})", one.name, human(one.stored_bytes)));
    } catch (const SourceFailed& error) {
      if (error.rc() == FBX_NOT_FOUND) {
        op_.log(Level::info, fmt::format("{} was removed from the store meanwhile", one.name));
      } else {
        fail(Error(FBX_IO,
                   fmt::format("{} is damaged in the store, and was not copied: {}", one.name,
                               error.what()),
                   fmt::format("`fusebox backup verify {}` shows what is wrong; make a new one",
                               one.name)));
      }
    } catch (const NoRoom& error) {
      fail(error);
    }
    done_ += one.stored_bytes;
  }

  class NoRoom : public Error {
   public:
    using Error::Error;
  };

  void require_room(const Generations& there, const Generation& one) const {
    const std::uint64_t free = drive_.folder.free_bytes();
    const std::uint64_t need = one.stored_bytes - bytes_there(there, one);
    if (need + min_free_ <= free) return;
    throw NoRoom(
        FBX_IO,
        fmt::format("{} does not fit on the drive: {} has {} free, it needs {} (and {} stay free)",
                    one.name, drive_.volume.mount_point.string(), human(free), human(need),
                    human(min_free_)),
        fmt::format("keep less there (keep_last, keep_daily, ... of [plugins.{}]), or use a larger "
                    "drive",
                    context_.context.instance));
  }

  void remove_by_rules(const Generations& there, const std::vector<common::Verdict>& verdicts) {
    for (const auto& verdict : verdicts) {
      if (verdict.keep) continue;
      there.remove(verdict.name);
      ++removed_;
      op_.log(Level::info, fmt::format("removed {} from the drive ({})", verdict.name,
                                       fmt::join(verdict.reasons, ", ")));
    }
  }

  void fail(Error error) {
    op_.log(Level::error, error.what());
    failures_.push_back(std::move(error));
  }

  void warn(const std::string& name, std::string what, std::string evidence) {
    op_.log(Level::warn, fmt::format("{}: {}", what, evidence));
    result_.add({common::Severity::warning, std::move(what), std::move(evidence),
                 "it cannot be restored: make a new one", name});
  }

  std::string answer(const Agenda& agenda, std::size_t on_drive) {
    if (!failures_.empty()) {
      const Error& first = failures_.front();
      const std::string more =
          failures_.size() == 1 ? "" : fmt::format(" (and {} more)", failures_.size() - 1);
      throw Error(first.rc(),
                  fmt::format("copied {} of {} to the drive: {}{}", copied_,
                              count_text(agenda.copy.size(), "generation"), first.what(), more),
                  first.hint());
    }
    std::string text = copied_ == 0
                           ? std::string("nothing to copy")
                           : fmt::format("copied {} ({}) to the drive and read {} back",
                                         count_text(copied_, "generation"),
                                         human(written_ + reused_), copied_ == 1 ? "it" : "them");
    text += fmt::format("; {} on it", count_text(on_drive, "generation"));
    if (agenda.kept > 0) text += fmt::format(", {} of them no longer in the store", agenda.kept);
    result_.summary(text);
    result_.metric("copied", static_cast<std::int64_t>(copied_), "");
    result_.metric("written", static_cast<std::int64_t>(written_), "B");
    if (reused_ != 0) result_.metric("resumed", static_cast<std::int64_t>(reused_), "B");
    if (removed_ != 0) result_.metric("removed", static_cast<std::int64_t>(removed_), "");
    result_.metric("generations", static_cast<std::int64_t>(on_drive), "");
    result_.metric("duration_ms", watch_.ms(), "ms");
    result_.changed(copied_ != 0 || removed_ != 0);
    if (copied_ != 0) result_.artifact("generation", (there_path() / agenda.newest).string());
    return result_.json();
  }

  const Op& op_;
  const SyncContext& context_;
  common::Stopwatch watch_;
  common::KeepPolicy rules_;
  std::uint64_t min_free_;
  Held drive_;
  Offer offer_;
  common::Result result_;
  std::vector<Error> failures_;
  std::size_t copied_ = 0;
  std::size_t removed_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t reused_ = 0;
  std::uint64_t done_ = 0;  // bytes of whole generations
};

}  // namespace

std::string plan_sync(const Op& op, const SyncContext& context) {
  try {
    return Sync(op, context).plan();
  } catch (const Error& error) {
    if (error.rc() != FBX_SKIPPED) throw;
    common::Result result;
    result.action(fmt::format("nothing: {}", error.what()));
    return result.json();
  }
}

std::string sync(const Op& op, const SyncContext& context) { return Sync(op, context).run(); }

}  // namespace fbx::external
