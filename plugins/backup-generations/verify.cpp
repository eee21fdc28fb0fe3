// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/result.hpp"
#include "sources.hpp"
#include "transfer.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;
using common::Result;
using common::Severity;

// The generation that `name` means, with its manifest.
json::object find_generation(const Op& op, const std::string& name) {
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list) {
      const json::object& one = item.as_object();
      const bool usable = !common::text_at(one, "problem");
      if (name == "latest" ? usable : common::text_at(one, "generation") == name) return one;
    }
  throw Error(FBX_NOT_FOUND, fmt::format("there is no generation \"{}\"", name),
              "`fusebox backup list` shows all; `fusebox backup create` makes one");
}

// Hashes; false when a file is not what it should be.
bool check_files(const Op& op, const std::string& generation, Result& result) {
  const auto answer = common::parse_object(
      op.store().verify(json::serialize(json::object{{"generation", generation}})),
      "the store's answer");
  bool good = true;
  for (const json::value& item : *common::array_at(answer, "files")) {
    const json::object& file = item.as_object();
    if (common::boolean_at(file, "ok").value_or(false)) continue;
    good = false;
    result.add({Severity::error,
                fmt::format("{} is damaged", common::text_at(file, "file").value_or("?")),
                common::text_at(file, "problem").value_or(""),
                "do not rely on this generation: make a new one, or use an older one", generation});
  }
  result.metric("bytes", common::integer_at(answer, "bytes").value_or(0), "B");
  return good;
}

// Opens one source with the tools of its data.
void inspect(const Op& op, const std::string& generation, const json::object& source,
             Result& result) {
  const std::string instance = common::text_at(source, "instance").value_or("");
  const std::string name = common::need_text(source, "name");
  const auto instances = snapshot_instances(op);
  if (std::find(instances.begin(), instances.end(), instance) == instances.end()) {
    result.add({Severity::warning, fmt::format("{} was not opened", name),
                fmt::format("this stack has no plugin \"{}\"", instance),
                "its hash is right; add the plugin to have it opened, too", generation});
    return;
  }
  const StoreClient store = op.store();
  const SnapshotClient snapshot = op.snapshot(instance);
  const std::string get = json::serialize(
      json::object{{"generation", generation}, {"file", common::need_text(source, "file")}});
  json::object ask{{"source", name}};
  for (const char* key : {"counts", "facts"})
    if (const json::value* value = source.if_contains(key)) ask[key] = *value;
  const std::string request = json::serialize(ask);
  const Transfer done = transfer([&](int fd) { return store.get(get, fd); },
                                 [&](int fd) { return snapshot.inspect(request, fd); });
  // The reader may have no need of the last bytes, and close; the hash has been checked already.
  const auto& error = done.writer.error && done.writer.error->rc() == FBX_FAILED
                          ? done.writer.error
                          : done.reader.error;
  if (!error) {
    const auto answer = common::parse_object(done.reader.answer, "the answer of " + instance);
    op.log(Level::info,
           fmt::format("{}: {}", name, common::text_at(answer, "checked").value_or("")));
    return;
  }
  op.check("opening " + name);
  const bool judged = error->rc() == FBX_FAILED;
  result.add({judged ? Severity::error : Severity::warning,
              fmt::format("{} {}", name, judged ? "cannot be restored" : "was not opened"),
              error->what(),
              judged ? "do not rely on this generation: make a new one, or use an older one"
                     : error->hint(),
              generation});
}

}  // namespace

std::string verify(const Op& op, const common::StepRequest& request) {
  const common::Stopwatch watch;
  Result result;
  const json::object found =
      find_generation(op, common::text_at(request.with, "generation").value_or("latest"));
  const std::string name = common::need_text(found, "generation");
  const json::object& manifest = *common::object_at(found, "manifest");
  if (const auto problem = common::text_at(found, "problem"))
    result.add({Severity::error, "the generation is not whole", *problem,
                "do not rely on it: make a new one, or use an older one", name});
  const bool good = check_files(op, name, result);
  std::size_t opened = 0;
  if (good && !common::boolean_at(request.with, "hashes_only").value_or(false))
    if (const auto* sources = common::array_at(manifest, "sources"))
      for (const json::value& source : *sources) {
        inspect(op, name, source.as_object(), result);
        ++opened;
      }
  result.judge();
  result.metric("duration_ms", watch.ms(), "ms");
  result.summary(result.status() == common::Status::unhealthy
                     ? fmt::format("generation {} is damaged", name)
                     : fmt::format("generation {}: every hash is right, {} sources were opened",
                                   name, opened));
  return result.json();
}

}  // namespace fbx::backup
