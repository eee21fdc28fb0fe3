// SPDX-License-Identifier: Apache-2.0
#include "restore.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <set>

#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/result.hpp"
#include "common/time_text.hpp"
#include "differences.hpp"
#include "generation.hpp"
#include "receipts.hpp"
#include "session.hpp"
#include "sources.hpp"
#include "verify.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;
using common::Context;
using common::Result;
using common::Severity;
using common::StepRequest;
using common::Transfer;

// ---- Which generation, which of its sources -----------------------------------------------------

std::string wanted_generation(const StepRequest& request) {
  return common::text_at(request.with, "generation").value_or("latest");
}

// All of the generation's, or those that the request names.
std::vector<Stored> wanted_sources(const Generation& generation, const StepRequest& request) {
  std::vector<Stored> all = generation.sources();
  const auto* names = common::array_at(request.with, "sources");
  if (names == nullptr || names->empty()) return all;
  std::vector<Stored> chosen;
  for (const json::value& name : *names) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Stored& one) {
      return one.name == std::string_view(name.as_string());
    });
    if (found == all.end()) {
      std::vector<std::string> known;
      for (const Stored& one : all) known.push_back(one.name);
      throw Error(FBX_NOT_FOUND,
                  fmt::format("generation {} has no source \"{}\"", generation.name,
                              std::string_view(name.as_string())),
                  fmt::format("it has {}", fmt::join(known, ", ")));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

void require_instances(const Op& op, const Generation& generation,
                       const std::vector<Stored>& sources) {
  const auto instances = snapshot_instances(op);
  for (const Stored& source : sources)
    if (std::find(instances.begin(), instances.end(), source.instance) == instances.end())
      throw Error(
          FBX_CONFIG,
          fmt::format("{} of generation {} was captured by \"{}\", which this stack has not",
                      source.name, generation.name, source.instance),
          fmt::format("add [plugins.{}] to the configuration, or restore the others alone: "
                      "--source",
                      source.instance));
}

// What is left as it is stands beside data of another moment: that has to be said.
void tell_what_stays(const Op& op, const Generation& generation, const std::vector<Stored>& sources,
                     Result& result) {
  std::set<std::string> staying;
  for (const Stored& one : generation.sources()) staying.insert(one.name);
  for (const Stored& one : sources) staying.erase(one.name);
  for (std::string& instance : snapshot_instances(op)) {
    const auto all = generation.sources();
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const Stored& one) { return one.instance == instance; });
    if (!known) staying.insert(std::move(instance));
  }
  for (const std::string& name : staying)
    result.add({Severity::warning, fmt::format("{} is not restored and stays as it is", name),
                "its data and the restored data are of different moments",
                "check that they fit, or restore a generation that has all of them", name});
}

// Data that was encrypted by another key is lost with all its rows in place.
void require_keys(const Op& op, const Context& context, const Generation& generation,
                  Result& result) {
  const auto* kept = common::object_at(generation.manifest, "keys");
  if (kept == nullptr || kept->empty()) return;
  const std::string origin =
      common::text_at(generation.manifest, "keys_for").value_or(generation.name);
  const json::object now = fingerprints(op, context.config, origin);
  for (const auto& [name, value] : *kept) {
    const auto* current = now.if_contains(name);
    if (current == nullptr)
      result.add({Severity::warning, fmt::format("{} was not compared", std::string_view(name)),
                  "the generation has its fingerprint, and this configuration does not name it",
                  fmt::format("set fingerprints.{}", std::string_view(name)), generation.name});
    else if (*current != value)
      throw Error(
          FBX_FAILED,
          fmt::format("{} is not the key that was in use when generation {} was made",
                      std::string_view(name), generation.name),
          "what it encrypted could not be read: put the old key back into the secrets, or restore "
          "a generation that was made with this one");
  }
}

// ---- What the steps share -----------------------------------------------------------------------

Session need_session(const Context& context, const StepRequest& request) {
  auto session = read_session(context.state_dir);
  if (!session || session->run != request.run)
    throw Error(FBX_CONFIG, fmt::format("`{}` has no restore to go on with", request.verb),
                fmt::format("put `{}.prepare` before it in the phase", context.instance));
  const std::string wanted = wanted_generation(request);
  if (request.with.contains("generation") && wanted != "latest" && wanted != session->generation)
    throw Error(
        FBX_CONFIG,
        fmt::format("one step restores generation {}, another {}", session->generation, wanted),
        "all data of a restore comes from one generation");
  return *session;
}

std::vector<Stored> staged_sources(const Op& op, const Session& session) {
  const auto all = find_generation(op, session.generation).sources();
  std::vector<Stored> chosen;
  for (const Target& target : session.targets)
    for (const Stored& one : all)
      if (one.name == target.source) chosen.push_back(one);
  return chosen;
}

void turn(const Op& op, const Session& session, const Target& target, std::string_view to) {
  op.check(fmt::format("turning {} to the {} data", target.source, to));
  try {
    op.snapshot(target.instance)
        .turn(json::serialize(
            json::object{{"source", target.source}, {"tag", session.tag()}, {"to", to}}));
  } catch (const Reported& reported) {
    const Error error = common::error_of(reported);
    throw Error(error.rc(), fmt::format("{}: {}", target.source, error.what()), error.hint());
  }
}

// Every source, whatever the others say. The first thing that failed, with all of them in its text.
std::optional<Error> turn_all(const Op& op, const Session& session, std::string_view to) {
  std::optional<Error> first;
  for (auto target = session.targets.rbegin(); target != session.targets.rend(); ++target) {
    try {
      turn(op, session, *target, to);
    } catch (const Error& error) {
      first = first ? Error(first->rc(), fmt::format("{}; {}", first->what(), error.what()),
                            first->hint())
                    : error;
    }
  }
  return first;
}

std::string changed(std::string summary) {
  Result result;
  result.summary(std::move(summary));
  result.changed(true);
  return result.json();
}

// ---- The verbs ----------------------------------------------------------------------------------

// Of an earlier restore that removed the old data, or began to: its data is the live one.
void finish_earlier(const Op& op, const Context& context) {
  const auto earlier = read_session(context.state_dir);
  if (!earlier) return;
  if (earlier->settling) {
    if (const auto error = turn_all(op, *earlier, "settled"))
      op.log(Level::warn, fmt::format("the data before the restore of {} is still there: {}",
                                      earlier->generation, error->what()));
  } else if (earlier->staged) {
    op.log(Level::warn,
           fmt::format("an earlier restore of {} was left as it stood; what it created is named {}",
                       earlier->generation, earlier->tag()));
  }
  remove_session(context.state_dir);
}

std::string prepare(const Op& op, const Context& context, const StepRequest& request) {
  Result result;
  finish_earlier(op, context);
  const Generation generation = find_generation(op, wanted_generation(request));
  const auto sources = wanted_sources(generation, request);
  require_instances(op, generation, sources);
  require_keys(op, context, generation, result);
  tell_what_stays(op, generation, sources, result);
  prove(op, generation, sources, result);
  for (const common::Finding& finding : result.findings())
    if (finding.severity == Severity::error)
      throw Error(FBX_FAILED,
                  fmt::format("generation {} cannot be restored: {} ({})", generation.name,
                              finding.what, finding.evidence),
                  "choose another one: `fusebox backup list`");
  Session session{request.run, generation.name,
                  common::format_time(std::chrono::system_clock::now())};
  for (const Stored& one : sources) session.targets.push_back({one.name, one.instance});
  write_session(context.state_dir, session);
  result.summary(fmt::format("generation {} of {} is whole, and each of its {} sources opens",
                             generation.name, generation.time, sources.size()));
  result.changed(false);
  return result.json();
}

// The live data is untouched and in use.
std::string stage(const Op& op, const Context& context, const StepRequest& request) {
  const common::Stopwatch watch;
  Session session = need_session(context, request);
  session.staged = true;
  write_session(context.state_dir, session);
  std::int64_t bytes = 0;
  for (const Stored& source : staged_sources(op, session)) {
    op.log(Level::info, fmt::format("{}: {} beside the live data", source.name,
                                    common::human_size(static_cast<double>(source.bytes))));
    const SnapshotClient snapshot = op.snapshot(source.instance);
    json::object ask = source.request();
    ask["tag"] = session.tag();
    const std::string text = json::serialize(ask);
    const Transfer done =
        fetch(op, session.generation, source, [&](int fd) { return snapshot.stage(text, fd); });
    // A stream that is damaged makes both fail: then the store knows why.
    const bool judged = done.writer.error && done.writer.error->rc() == FBX_FAILED;
    const auto& error = done.reader.error && !judged ? done.reader.error : done.writer.error;
    if (error)
      throw Error(error->rc(), fmt::format("restoring {}: {}", source.name, error->what()),
                  error->hint());
    const auto told = common::parse_object(done.reader.answer, "the answer of " + source.instance);
    const auto* counts = common::object_at(told, "counts");
    const auto differ = differences(source.counts, counts == nullptr ? json::object{} : *counts);
    if (!differ.empty())
      throw Error(FBX_FAILED,
                  fmt::format("restoring {}: not all of it arrived: {}", source.name,
                              fmt::join(differ, "; ")),
                  "use another generation");
    bytes += source.bytes;
  }
  Result result;
  result.summary(fmt::format("{} of generation {} lie beside the live data",
                             common::human_size(static_cast<double>(bytes)), session.generation));
  result.metric("bytes", bytes, "B");
  result.metric("duration_ms", watch.ms(), "ms");
  result.changed(true);
  return result.json();
}

std::string swap(const Op& op, const Context& context, const StepRequest& request) {
  const Session session = need_session(context, request);
  for (const Target& target : session.targets) turn(op, session, target, "new");
  return changed(fmt::format("the data of generation {} is live; the old is kept beside it",
                             session.generation));
}

std::string compare(const Op& op, const Context& context, const StepRequest& request) {
  const Session session = need_session(context, request);
  const bool wants_digests = common::boolean_at(request.with, "digests").value_or(false);
  Result result;
  std::size_t counted = 0;
  std::size_t hashed = 0;
  for (const Stored& source : staged_sources(op, session)) {
    op.check("counting " + source.name);
    json::object ask = source.request();
    ask["digests"] = wants_digests && !source.digests.empty();
    json::object now;
    try {
      now = common::parse_object(op.snapshot(source.instance).count(json::serialize(ask)),
                                 "the answer of " + source.instance);
    } catch (const Reported& reported) {
      throw common::error_of(reported);
    }
    const auto check = [&](const json::object& captured, const char* key) {
      const auto* found = common::object_at(now, key);
      for (const std::string& text :
           differences(captured, found == nullptr ? json::object{} : *found))
        result.add({Severity::error, fmt::format("{} is not what was captured", source.name), text,
                    "the old data is whole: let the restore be undone", source.name});
      return captured.size();
    };
    counted += check(source.counts, "counts");
    if (ask.at("digests").as_bool()) hashed += check(source.digests, "digests");
  }
  result.judge();
  result.metric("counts", static_cast<std::int64_t>(counted), "");
  result.metric("digests", static_cast<std::int64_t>(hashed), "");
  result.summary(
      result.findings().empty()
          ? fmt::format("{} counts and {} hashes are those of generation {}", counted, hashed,
                        session.generation)
          : fmt::format("the live data is not that of generation {}", session.generation));
  return result.json();
}

std::string settle(const Op& op, const Context& context, const StepRequest& request) {
  Session session = need_session(context, request);
  session.settling = true;
  write_session(context.state_dir, session);
  Result result;
  std::vector<Target> left;
  for (const Target& target : session.targets) {
    try {
      turn(op, session, target, "settled");
    } catch (const Error& error) {
      result.add(
          {Severity::warning, fmt::format("old data of {} is still there", target.source),
           error.what(),
           fmt::format("the next restore tries again; what is left is named {}", session.tag()),
           target.source});
      left.push_back(target);
    }
  }
  // Until the run's end is on record, an undo has to learn from here that there is no way back.
  session.targets = std::move(left);
  write_session(context.state_dir, session);
  const auto began = common::parse_time(session.started);
  const auto took = began ? std::chrono::system_clock::now() - *began : std::chrono::seconds{0};
  const double ms = std::chrono::duration<double, std::milli>(took).count();
  result.summary(
      fmt::format("generation {} is restored, after {}", session.generation, common::human_ms(ms)));
  result.metric("recovery_ms", ms, "ms");
  result.changed(true);
  return result.json();
}

std::string receipt(const Op& op, const Context& context, const StepRequest& request) {
  const Session session = need_session(context, request);
  const std::string file = write_receipt(op, context, session);
  Result result;
  result.summary(
      fmt::format("generation {} was restored beside the live stack", session.generation));
  result.artifact("receipt", file);
  result.changed(true);
  return result.json();
}

}  // namespace

bool is_restore_verb(const std::string& verb) {
  return verb == "prepare" || verb == "stage" || verb == "swap" || verb == "compare" ||
         verb == "settle" || verb == "receipt";
}

std::string plan_restore(const Op& op, const StepRequest& request) {
  Result result;
  if (request.verb == "prepare") {
    const Generation generation = find_generation(op, wanted_generation(request));
    std::vector<std::string> names;
    for (const Stored& one : wanted_sources(generation, request)) names.push_back(one.name);
    result.action(fmt::format("re-hash generation {} of {} and open {}", generation.name,
                              generation.time, fmt::join(names, ", ")));
    result.action("compare the fingerprints of the keys");
  } else if (request.verb == "stage") {
    result.action("restore the generation beside the live data");
  } else if (request.verb == "swap") {
    result.action("make the restored data live, and keep the old beside it");
  } else if (request.verb == "compare") {
    result.action("count what is live, and compare it with the generation's manifest");
  } else if (request.verb == "settle") {
    result.action("remove the old data for good");
  } else {
    result.action("write down that the generation was restored, and how long it took");
  }
  return result.json();
}

std::string run_restore(const Op& op, const Context& context, const StepRequest& request) {
  if (request.verb == "prepare") return prepare(op, context, request);
  if (request.verb == "stage") return stage(op, context, request);
  if (request.verb == "swap") return swap(op, context, request);
  if (request.verb == "compare") return compare(op, context, request);
  if (request.verb == "settle") return settle(op, context, request);
  return receipt(op, context, request);
}

std::string undo_restore(const Op& op, const Context& context, const StepRequest& request,
                         bool had_result) {
  auto session = read_session(context.state_dir);
  const bool ours = session && session->run == request.run;
  const bool moved_data = request.verb == "stage" || request.verb == "swap";
  if ((ours && session->settling) || (request.verb == "settle" && had_result))
    throw Error(FBX_REFUSED, "the restore was complete, and the old data is gone or going",
                "the restored data is live: start what is stopped, `fusebox up`");
  if (moved_data && had_result && !ours)
    throw Error(FBX_REFUSED, "there is no record of this restore any more",
                "find out which data is live: `fusebox health`");
  if (moved_data && ours) {
    if (const auto error = turn_all(op, *session, "old")) throw *error;
    session->staged = false;
    write_session(context.state_dir, *session);
    return changed("the old data is live, and what was restored is gone");
  }
  if (request.verb == "prepare" && ours) {
    // Without the record, nobody could turn back what could not be turned back yet.
    if (session->staged)
      throw Error(
          FBX_CONFLICT, "what was restored is not all turned back yet",
          "start the server that does not answer, and undo again: `fusebox recover --undo --start "
          "SERVICE`");
    remove_session(context.state_dir);
  }
  Result result;
  result.summary("nothing to take back");
  result.changed(false);
  return result.json();
}

}  // namespace fbx::backup
