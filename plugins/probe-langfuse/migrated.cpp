// SPDX-License-Identifier: Apache-2.0
#include "migrated.hpp"

#include <fmt/format.h>

namespace fbx::langfuse {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Finding;
using common::Result;
using common::Severity;
using std::chrono::milliseconds;

constexpr milliseconds pause_between{1000};
// A crash that heals itself when the container is started again is none.
constexpr std::int64_t most_restarts = 3;
// A web that was just started takes this long, at most, until its first migration shows.
constexpr milliseconds longest_run_up{10'000};

const char* const leave_it =
    "leave langfuse-web running: what is killed in a migration stays half-done. Watch `fusebox "
    "logs langfuse-web -f`; once it answers, deploy again";
// Of an undo: the run that it leaves open is dealt with next.
const char* const leave_it_then =
    "leave langfuse-web running, for what is killed in a migration stays half-done, and watch "
    "`fusebox logs langfuse-web -f` until it answers";

View look(const Settings& settings, const Op& op) {
  // Web first: what the schema says is then no older than web's answer.
  View view = look_at_web(settings, Deadline(op, settings.timeout));
  try {
    view.schema = read_schema(settings, Deadline(op, settings.timeout));
  } catch (const CheckFailed& e) {
    view.blind = e.what();
  } catch (const common::ServiceDown& e) {
    view.blind = e.what();
  }
  return view;
}

// Waiting is of no use any more; why.
std::optional<Finding> judge(const View& view, std::int64_t first_restarts) {
  const std::int64_t restarts = view.web ? view.web->restarts - first_restarts : 0;
  const bool is_open = view.schema && view.schema->is_open() && !view.schema->prisma.running;
  if (view.schema && view.schema->prisma.failed)
    return Finding{
        Severity::error, "a schema migration failed: langfuse-web will not start",
        fmt::format("{}: {}", view.schema->prisma.open, view.schema->prisma.reason),
        "mend its cause, then `prisma migrate resolve --rolled-back` it and deploy again",
        "postgres"};
  if (is_open && (restarts > 0 || view.web_ended() || view.answer.listens))
    return Finding{
        Severity::error,
        view.answer.listens ? "langfuse-web runs on a schema that is half-done"
                            : "langfuse-web ended in the middle of a migration",
        view.evidence(),
        fmt::format("see what of it was applied (`fusebox logs langfuse-web`), finish or revert it "
                    "by hand, then `migrate force {}`: it is dirty until then",
                    view.schema->clickhouse.version),
        "clickhouse"};
  if (view.web_ended() || restarts >= most_restarts)
    return Finding{
        Severity::error,
        view.web_ended()
            ? fmt::format("langfuse-web is {}", view.web->state)
            : fmt::format("langfuse-web keeps exiting: it was started again {} times", restarts),
        view.evidence(), "see why: `fusebox logs langfuse-web`", "langfuse-web"};
  return std::nullopt;
}

// Time is over and web still does not answer.
Finding report(const View& view, milliseconds waited, milliseconds unmoved) {
  const auto text = [](milliseconds time) {
    return common::human_ms(static_cast<double>(time.count()));
  };
  if (view.schema && view.schema->is_open())
    return {Severity::error, fmt::format("schema migrations still run after {}", text(waited)),
            fmt::format("{}; the last change was {} ago", view.schema->progress(), text(unmoved)),
            leave_it, "langfuse-web"};
  return {Severity::error, fmt::format("langfuse-web did not answer within {}", text(waited)),
          fmt::format("{}; {}; no migration is under way", view.answer.says, view.evidence()),
          "see `fusebox logs langfuse-web`", "langfuse-web"};
}

void record(const Schema& schema, Result& result) {
  const SchemaVersion version = schema.version();
  for (const auto& [key, value] : to_json(version)) result.release(key, value);
  result.release("clickhouse_dirty", schema.clickhouse.dirty);
  result.metric("prisma_migrations", version.prisma, "");
  result.metric("clickhouse_schema", version.clickhouse, "");
}

Result finished(const Schema& schema, const std::optional<SchemaVersion>& before) {
  Result result;
  const SchemaVersion now = schema.version();
  const bool moved = !before || *before != now;
  record(schema, result);
  result.changed(moved).summary(
      before && moved && !before->is_none()
          ? fmt::format("migrated to {} (from {})", now.text(), before->text())
          : fmt::format("langfuse-web listens: {}", now.text()));
  if (schema.background)
    result.metric("background_migrations_unfinished", schema.background->unfinished, "");
  return result;
}

// Is the web that is to migrate there? Until then what is seen is of the one before.
bool is_started(const View& view, const Locked& locked, Start start) {
  if (start == Start::done) return true;
  const std::string version = view.web ? view.web->version : view.answer.version;
  const bool is_wanted = locked.web.empty() || is_locked_version(version, locked.web);
  return is_wanted && (view.web ? !view.web_ended() : view.answer.listens);
}

// Web lives and has not come as far as to migrate or to listen.
bool is_before_migrating(const View& view, const std::optional<SchemaVersion>& before) {
  return view.schema && !view.schema->is_open() && !view.answer.listens && !view.web_ended() &&
         (!view.web || view.web->restarts == 0) && before && view.schema->version() == *before;
}

Error refuse(std::string why, std::string hint) {
  return {FBX_REFUSED,
          fmt::format("{}; nothing is brought back and no data is touched", std::move(why)),
          std::move(hint)};
}

}  // namespace

bool View::web_ended() const {
  return web && web->state != "running" && web->state != "restarting" && web->state != "created";
}

// ClickHouse's migrations take no lock that others could see: there it is a web that lives, has
// never been started again, and does not answer yet.
bool View::is_migrating() const {
  if (!schema || !schema->is_open() || schema->prisma.failed) return false;
  if (schema->prisma.running) return true;
  return !answer.listens && !web_ended() && (!web || web->restarts == 0);
}

View look_at_web(const Settings& settings, const Deadline& deadline) {
  View view;
  view.answer = ask_web(settings, deadline);
  view.web = ask_service(deadline.op(), settings.web);
  return view;
}

Finding migration_under_way(const View& view) {
  return {Severity::error, "a schema migration is under way", view.evidence(), leave_it,
          "langfuse-web"};
}

namespace {

// One wait: what was seen last, and since when.
class Wait {
 public:
  Wait(const Settings& settings, const Op& op, Start start, milliseconds limit)
      : settings_(settings),
        op_(op),
        start_(start),
        limit_(limit),
        whole_(op, std::chrono::hours{48}) {}

  // Nothing: look again.
  std::optional<Finding> judge_view(const View& view) {
    if (!patience_ && is_started(view, settings_.locked(), start_)) {
      patience_.emplace(op_, limit_);
      first_restarts_ = view.web ? view.web->restarts : 0;
    }
    tell(view);
    if (!patience_) {
      if (!whole_.passed()) return std::nullopt;
      return Finding{Severity::error, "langfuse-web was not started",
                     fmt::format("{} is locked; {}", settings_.locked().web, view.evidence()),
                     "see the step that starts it", "langfuse-web"};
    }
    auto wrong = judge(view, first_restarts_);
    if (wrong || !patience_->passed()) return wrong;
    return report(view, patience_->span(),
                  milliseconds{static_cast<std::int64_t>(watch_.ms() - moved_at_)});
  }

  bool is_done(const View& view) const {
    return patience_ && view.answer.listens && view.schema && !view.schema->is_open();
  }
  void pause() const { (patience_ ? *patience_ : whole_).sleep(pause_between); }

 private:
  void tell(const View& view) {
    const std::string seen = patience_ ? fmt::format("langfuse-web starts: {}", view.evidence())
                                       : "langfuse-web is not started yet";
    const SchemaVersion at = view.schema ? view.schema->version() : SchemaVersion{};
    op_.progress(static_cast<std::uint64_t>(at.prisma + at.clickhouse), 0, "migrations", seen);
    if (seen == told_) return;
    op_.log(Level::info, seen);
    told_ = seen;
    moved_at_ = watch_.ms();
  }

  const Settings& settings_;
  const Op& op_;
  Start start_;
  milliseconds limit_;
  Deadline whole_;
  std::optional<Deadline> patience_;  // since web is started
  std::int64_t first_restarts_ = 0;
  std::string told_;
  common::Stopwatch watch_;
  double moved_at_ = 0;
};

}  // namespace

Result await_migrations(const Settings& settings, const Op& op,
                        const std::optional<SchemaVersion>& before, Start start,
                        milliseconds wait) {
  Wait waiting(settings, op, start, wait);
  for (;;) {
    const View view = look(settings, op);
    auto wrong = waiting.judge_view(view);
    if (waiting.is_done(view)) return std::move(finished(*view.schema, before).judge());
    if (wrong) {
      Result result;
      if (view.schema) record(*view.schema, result);
      result.changed(!before || !view.schema || *before != view.schema->version());
      result.summary(wrong->what).add(std::move(*wrong));
      return std::move(result.judge());
    }
    waiting.pause();
  }
}

void allow_going_back(const Settings& settings, const Op& op,
                      const std::optional<SchemaVersion>& before) {
  const Deadline run_up(op, longest_run_up);
  View view = look(settings, op);
  while (is_before_migrating(view, before) && !run_up.passed()) {
    run_up.sleep(pause_between);
    view = look(settings, op);
  }
  if (!view.schema)
    throw refuse(fmt::format("cannot tell whether the schema has moved: {}", view.blind),
                 "bring the databases up and look at `fusebox logs langfuse-web`");
  const Schema& schema = *view.schema;
  if (view.is_migrating())
    throw refuse(fmt::format("a schema migration is under way ({})", schema.progress()),
                 leave_it_then);
  if (!before)
    throw refuse("nobody looked at the schema before langfuse-web was started",
                 "put probe-langfuse.schema in front of the step that starts it");
  if (before->is_none()) return;
  if (!schema.is_open() && schema.version() == *before) return;
  throw refuse(
      fmt::format("the schema has moved from {} to {}{}, and the images of before do not start on "
                  "it",
                  before->text(), schema.version().text(), schema.is_open() ? ", half-done" : ""),
      "mend what failed, to deploy again; going back takes a backup from before the deploy");
}

}  // namespace fbx::langfuse
