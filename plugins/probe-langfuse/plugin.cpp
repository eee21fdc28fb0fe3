// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <mutex>

#include "apps.hpp"
#include "migrated.hpp"
#include "schema.hpp"

namespace fbx::langfuse {

namespace {

using common::Deadline;
using common::Result;
using common::Severity;
using common::StepRequest;
using common::Tried;

struct Verb {
  std::string_view name;
  std::string_view intent;
};

constexpr std::array verbs{
    Verb{"check", "ask web and worker for their health and versions"},
    Verb{"web", "ask for its health, its database and its version"},
    Verb{"worker", "ask for its health, its queues and its version"},
    Verb{"schema", "look at time zones and migrations, and remember where the schema stands"},
    Verb{"migrated", "wait until langfuse-web has migrated and listens; never ends it"},
};

const Verb& find_verb(std::string_view name) {
  const auto* found =
      std::find_if(verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name == name; });
  if (found == verbs.end())
    throw Error(FBX_UNSUPPORTED, fmt::format("probe-langfuse has no verb \"{}\"", name),
                "its verbs are check, web, worker, schema and migrated");
  return *found;
}

// The last successful run's record; empty when there is none.
json::object released(const json::object& request) {
  const json::object* record = common::object_at(request, "release");
  const json::object* release = record == nullptr ? nullptr : common::object_at(*record, "release");
  return release == nullptr ? json::object{} : *release;
}

}  // namespace

class ProbeLangfuse final : public Plugin, public fbx::Step {
 public:
  explicit ProbeLangfuse(std::string_view context) : settings_(context) {}

  std::string plan(Op&, std::string_view request_json) override {
    const Verb& verb = find_verb(common::parse_step_request(request_json).verb);
    const std::string where = where_of(verb.name);
    return Result{}
        .summary(fmt::format("{}: {}", where, verb.name))
        .action(fmt::format("{}: {}", where, verb.intent))
        .changed(false)
        .json();
  }

  std::string run(Op& op, std::string_view request_json) override {
    const StepRequest request = common::parse_step_request(request_json);
    const std::string_view verb = find_verb(request.verb).name;
    if (verb == "schema")
      return schema(op, request, released(common::parse_object(request_json, "the request")));
    if (verb == "migrated") return migrated(op, request);
    return common::try_for(op, common::patience(request),
                           [&] { return verb == "check" ? both(op) : one(op, verb); })
        .json();
  }

  std::string undo(Op& op, std::string_view request_json) override {
    const json::object request = common::parse_object(request_json, "the request");
    const json::array* checkpoints = common::array_at(request, "checkpoints");
    // Without a checkpoint run() had not begun.
    if (checkpoints == nullptr || checkpoints->empty()) return "{}";
    // The first attempt knows what the run was begun on; one that was resumed does not.
    const json::object* before = nullptr;
    for (const json::value& checkpoint : *checkpoints)
      if (before == nullptr && checkpoint.is_object())
        before = common::object_at(checkpoint.get_object(), "before");
    allow_going_back(
        settings_, op,
        before == nullptr ? std::nullopt : std::optional(schema_version_from(*before)));
    return Result{}.summary("the schema is as it was").changed(false).json();
  }

 private:
  std::string where_of(std::string_view verb) const {
    if (verb == "schema") return "Langfuse's schema";
    if (verb == "check")
      return fmt::format("{} and {}", name_of(settings_.web), name_of(settings_.worker));
    return name_of(verb == "worker" ? settings_.worker : settings_.web);
  }

  Tried one(const Op& op, std::string_view verb) const {
    Tried tried = common::try_once(op, settings_.timeout, where_of(verb),
                                   [&](const Deadline& deadline, std::string&, Result& result) {
                                     verb == "worker" ? check_worker(settings_, deadline, result)
                                                      : check_web(settings_, deadline, result);
                                   });
    // What is wrong says more than that it answers.
    if (!tried.result.findings().empty()) tried.result.summary(tried.result.findings().back().what);
    return tried;
  }

  // One that is red does not hide the other.
  Tried both(const Op& op) const {
    Tried web = one(op, "web");
    const Tried worker = one(op, "worker");
    if (web.result.findings().empty()) {
      const auto& findings = worker.result.findings();
      web.result.summary(findings.empty() ? "langfuse-web and langfuse-worker answer"
                                          : findings.back().what);
    }
    web.result.merge(worker.result);
    if (worker.retry == common::Retry::yes) web.retry = worker.retry;
    return web;
  }

  std::string schema(const Op& op, const StepRequest& request, const json::object& release) {
    const bool refuses = common::need_text(request.with, "unfinished") == "refuse";
    const auto attempt = [&](const Deadline& deadline, std::string&, Result& result) {
      View view = look_at_web(settings_, deadline);
      const Schema found = read_schema(settings_, deadline);
      view.schema = found;
      if (settings_.wants_utc) judge_timezones(settings_, deadline, result);
      if (view.is_migrating())
        result.add(migration_under_way(view));
      else
        judge_half_done(found, result);
      judge_change(view, found, refuses, release, result);
      remember(request.run, found.version());
      result.summary(found.version().text());
    };
    Result result = common::try_once(op, settings_.timeout, where_of("schema"), attempt).result;
    return result.judge().json();
  }

  // From what ran before to what is locked now.
  void judge_change(const View& view, const Schema& schema, bool refuses,
                    const json::object& release, Result& result) const {
    const std::string to = settings_.locked().web;
    const std::string from = view.answer.version.empty()
                                 ? common::text_at(release, "langfuse_web").value_or("")
                                 : view.answer.version;
    const Change change = change_between(from, to);
    if (change == Change::major_downgrade)
      result.add({Severity::error,
                  "Langfuse cannot go back by a major version on this schema",
                  fmt::format("{} ran, {} is locked; {}", from, to, schema.version().text()),
                  "restore a backup of that version, or lock the version that ran",
                  {}});
    else if (change == Change::downgrade)
      result.add({Severity::warning,
                  "an older version of Langfuse is locked than the one that ran",
                  fmt::format("{} ran, {} is locked", from, to),
                  "it does not start when the newer one has moved the schema",
                  {}});
    if (schema.background)
      postgres::judge_background(
          {*schema.background, std::nullopt},
          refuses && change == Change::update ? Severity::error : Severity::warning, result);
  }

  std::string migrated(const Op& op, const StepRequest& request) {
    const auto before = recall(request.run);
    op.checkpoint(boost::json::serialize(
        json::object{{"before", before ? json::value(to_json(*before)) : json::value()}}));
    const bool meanwhile = common::need_boolean(request.with, "alongside");
    return await_migrations(settings_, op, before, meanwhile ? Start::meanwhile : Start::done,
                            common::patience(request))
        .json();
  }

  void remember(const std::string& run, const SchemaVersion& version) {
    const std::scoped_lock lock(mutex_);
    before_ = {run, version};
  }

  // What `schema` saw in the same run; nothing in a run that was resumed since.
  std::optional<SchemaVersion> recall(const std::string& run) {
    const std::scoped_lock lock(mutex_);
    if (!before_ || before_->run != run) return std::nullopt;
    return before_->version;
  }

  struct Before {
    std::string run;
    SchemaVersion version;
  };
  Settings settings_;
  std::mutex mutex_;
  std::optional<Before> before_;
};

}  // namespace fbx::langfuse

FUSEBOX_PLUGIN(fbx::langfuse::ProbeLangfuse)
