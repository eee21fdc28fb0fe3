// SPDX-License-Identifier: Apache-2.0
#include "create.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <set>

#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/io.hpp"
#include "common/result.hpp"
#include "common/transfer.hpp"
#include "draft.hpp"
#include "generation.hpp"
#include "restore_text.hpp"
#include "sources.hpp"

namespace fbx::backup {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using common::Result;
using common::Severity;
using common::Transfer;
using common::transfer;

constexpr std::size_t kMaxAttachment = 16U << 20U;
constexpr int kAttempts = 3;

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

// What the last good generation took, as a guess for this one: plus a quarter, for data grows.
std::int64_t guess_stored(const Op& op, std::int64_t bytes) {
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  const auto* list = common::array_at(answer, "generations");
  if (list == nullptr || bytes == 0) return 0;
  for (const json::value& item : *list) {
    const json::object& one = item.as_object();
    const auto* manifest = common::object_at(one, "manifest");
    if (common::text_at(one, "problem") || manifest == nullptr) continue;
    const double raw = static_cast<double>(common::integer_at(*manifest, "bytes").value_or(0));
    const double stored = common::number_at(one, "stored_bytes").value_or(0);
    if (raw <= 0 || stored <= 0) return 0;
    return static_cast<std::int64_t>(static_cast<double>(bytes) * stored / raw * 1.25);
  }
  return 0;
}

// Again where it may go well the next time: files may change under a stream that is read live.
Transfer capture_into(const Op& op, Draft& draft, const Source& source) {
  const SnapshotClient snapshot = op.snapshot(source.instance);
  const std::string request = json::serialize(json::object{{"source", source.name}});
  for (int attempt = 1;; ++attempt) {
    Transfer done = transfer([&](int fd) { return snapshot.capture(request, fd); },
                             [&](int fd) { return draft.put(source.file, true, fd); });
    const auto& error = done.writer.error;
    if (done.reader.error || !error || error->rc() != FBX_UNAVAILABLE || attempt == kAttempts)
      return done;
    op.log(Level::warn, fmt::format("capturing {} again: {}", source.name, error->what()));
    common::Deadline(op, std::chrono::minutes(1)).sleep(std::chrono::milliseconds(500));
  }
}

json::object capture(const Op& op, Draft& draft, const Source& source, Result& result) {
  const common::Stopwatch watch;
  const Transfer done = capture_into(op, draft, source);
  // When both failed, the writer only says that its reader is gone.
  if (done.reader.error) throw about("storing " + source.name, *done.reader.error);
  if (done.writer.error) throw about("capturing " + source.name, *done.writer.error);
  const auto stored = common::parse_object(done.reader.answer, "the store's answer");
  const auto told = common::parse_object(done.writer.answer, "the answer of " + source.instance);
  draft.keep(stored);
  if (const auto* left_out = common::array_at(told, "left_out"))
    for (const json::value& what : *left_out)
      result.add({Severity::warning, "something is not in this backup",
                  what.is_string() ? std::string(what.get_string()) : json::serialize(what),
                  fmt::format("{} cannot capture it", source.instance), source.name});
  json::object entry{{"name", source.name},
                     {"instance", source.instance},
                     {"kind", source.kind},
                     {"service", source.service},
                     {"file", common::need_text(stored, "file")},
                     {"bytes", common::need_integer(stored, "bytes")},
                     {"stored_bytes", common::need_integer(stored, "stored_bytes")},
                     {"milliseconds", static_cast<std::int64_t>(watch.ms())},
                     {"by_hand", array_of(source.by_hand)}};
  for (const char* key : {"version", "counts", "facts", "digests", "left_out"})
    if (const json::value* value = told.if_contains(key)) entry[key] = *value;
  return entry;
}

// The configuration that belongs to the data: what a restore on a new machine begins with.
json::array attach_files(const Op& op, Draft& draft, const common::Context& context) {
  std::vector<fs::path> paths;
  if (!context.config_file.empty()) paths.emplace_back(context.config_file);
  if (!context.versions.empty()) paths.emplace_back(context.versions);
  if (const auto* list = common::array_at(context.config, "files"))
    for (const json::value& item : *list) paths.emplace_back(std::string(item.as_string()));
  std::set<std::string> names;
  json::array attached;
  for (const fs::path& path : paths) {
    const std::string name = "config-" + path.filename().string();
    if (!names.insert(name).second) continue;
    draft.attach(op, name, common::read_file(path, kMaxAttachment));
    attached.push_back({{"file", name}, {"from", path.string()}});
  }
  return attached;
}

// Services that should be quiet, and are not.
void warn_of_writers(const Op& op, const Offer& offer, Result& result) {
  std::set<std::string> quiet;
  for (const Source& source : offer.sources) quiet.insert(source.pause.begin(), source.pause.end());
  if (quiet.empty()) return;
  const auto runtime = op.try_runtime();
  if (!runtime) return;
  const auto answer = common::parse_object(runtime->services(), "the runtime's services");
  const auto* list = common::array_at(answer, "services");
  if (list == nullptr) return;
  for (const json::value& item : *list) {
    const json::object& service = item.as_object();
    const std::string name = common::text_at(service, "name").value_or("");
    if (quiet.count(name) == 0 || common::text_at(service, "state") != "running") continue;
    result.add({Severity::warning, fmt::format("{} runs while its data is captured", name),
                "each source is whole, but they are of moments some seconds apart",
                "stop it in the phase, before this step, and start it after", name});
  }
}

std::string human(std::int64_t bytes) { return common::human_size(static_cast<double>(bytes)); }

}  // namespace

std::string plan_create(const Op& op, const common::Context&, const common::StepRequest& request) {
  Result result;
  for (const std::string& instance : snapshot_instances(op))
    result.action(fmt::format("capture {}", instance));
  const std::string pin = common::text_at(request.with, "pin").value_or("");
  result.action(pin.empty() ? "write one generation of it all"
                            : fmt::format("write one generation of it all, pinned: {}", pin));
  return result.json();
}

std::string create(const Op& op, const common::Context& context, const common::StepRequest& request,
                   const json::object& release) {
  const common::Stopwatch watch;
  Result result;
  const Offer offer = ask_sources(op);
  for (const LeftOut& one : offer.left_out)
    result.add({Severity::warning, fmt::format("{} is not in this backup", one.instance), one.why,
                "it is optional and cannot run here", one.instance});
  warn_of_writers(op, offer, result);

  std::int64_t estimate = 0;
  for (const Source& source : offer.sources) estimate += source.bytes;
  Draft draft(op, estimate, guess_stored(op, estimate));
  op.log(Level::info, fmt::format("generation {}", draft.name()));
  json::array sources;
  for (const Source& source : offer.sources) sources.push_back(capture(op, draft, source, result));
  json::object manifest{{"format", 1},
                        {"stack", context.stack},
                        {"run", request.run},
                        {"note", common::text_at(request.with, "note").value_or("")},
                        {"attached", attach_files(op, draft, context)},
                        {"keys", fingerprints(op, context.config, draft.name())},
                        {"sources", std::move(sources)}};
  if (common::boolean_at(request.with, "safety").value_or(false)) manifest["safety"] = true;
  if (!release.empty()) manifest["release"] = release;
  draft.attach(op, "RESTORE.txt", restore_text(draft.name(), manifest));
  const Sum sum = sum_of(draft.files());

  const std::string name = draft.name();
  const std::string where =
      draft.commit(std::move(manifest), common::text_at(request.with, "pin").value_or(""));
  result.summary(fmt::format("generation {}: {} of {} sources as {}", name, human(sum.bytes),
                             offer.sources.size(), human(sum.stored)));
  result.metric("bytes", sum.bytes, "B");
  result.metric("stored_bytes", sum.stored, "B");
  result.metric("duration_ms", watch.ms(), "ms");
  result.artifact("generation", where);
  result.changed(true);
  return result.json();
}

}  // namespace fbx::backup
