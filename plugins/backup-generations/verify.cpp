// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/beside.hpp"
#include "common/deadline.hpp"
#include "common/result.hpp"
#include "generation.hpp"
#include "sources.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;
using common::Result;
using common::Severity;
using common::Transfer;

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
void inspect(const Op& op, const std::string& generation, const Stored& source, Result& result) {
  const auto instances = snapshot_instances(op);
  if (std::find(instances.begin(), instances.end(), source.instance) == instances.end()) {
    result.add({Severity::warning, fmt::format("{} was not opened", source.name),
                fmt::format("this stack has no plugin \"{}\"", source.instance),
                "its hash is right; add the plugin to have it opened, too", generation});
    return;
  }
  const SnapshotClient snapshot = op.snapshot(source.instance);
  const std::string request = json::serialize(source.request());
  const Transfer done =
      fetch(op, generation, source, [&](int fd) { return snapshot.inspect(request, fd); });
  // The reader may have no need of the last bytes, and close; the hash has been checked already.
  const auto& error = done.writer.error && done.writer.error->rc() != FBX_IO ? done.writer.error
                                                                             : done.reader.error;
  if (!error) {
    const auto answer =
        common::parse_object(done.reader.answer, "the answer of " + source.instance);
    op.log(Level::info,
           fmt::format("{}: {}", source.name, common::text_at(answer, "checked").value_or("")));
    return;
  }
  op.check("opening " + source.name);
  const bool judged = error->rc() == FBX_FAILED;
  result.add({judged ? Severity::error : Severity::warning,
              fmt::format("{} {}", source.name, judged ? "cannot be restored" : "was not opened"),
              error->what(),
              judged ? "do not rely on this generation: make a new one, or use an older one"
                     : error->hint(),
              generation});
}

}  // namespace

void prove(const Op& op, const Generation& generation, const std::vector<Stored>& sources,
           Result& result) {
  if (!generation.problem.empty())
    result.add({Severity::error, "the generation is not whole", generation.problem,
                "do not rely on it: make a new one, or use an older one", generation.name});
  if (!check_files(op, generation.name, result)) return;
  for (const Stored& source : sources) inspect(op, generation.name, source, result);
}

std::string verify(const Op& op, const common::StepRequest& request) {
  const common::Stopwatch watch;
  Result result;
  const Generation found =
      find_generation(op, common::text_at(request.with, "generation").value_or("latest"));
  const bool opens = !common::boolean_at(request.with, "hashes_only").value_or(false);
  const auto sources = opens ? found.sources() : std::vector<Stored>{};
  prove(op, found, sources, result);
  result.judge();
  result.metric("duration_ms", watch.ms(), "ms");
  result.summary(result.status() == common::Status::unhealthy
                     ? fmt::format("generation {} is damaged", found.name)
                     : fmt::format("generation {}: every hash is right, {} sources were opened",
                                   found.name, sources.size()));
  return result.json();
}

}  // namespace fbx::backup
