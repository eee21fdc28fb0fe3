// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <exception>
#include <thread>

#include "common/beside.hpp"
#include "common/io.hpp"
#include "common/json.hpp"
#include "common/tar_walk.hpp"

namespace fbx::snapshot {

namespace {

namespace json = boost::json;
using common::need_text;

// What GNU tar ends with when a file changed or went while it was read.
constexpr int kTarChanged = 1;

}  // namespace

class SnapshotVolume final : public Plugin, public Snapshot {
 public:
  explicit SnapshotVolume(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const std::string file = fmt::format("{}.tar", volume());
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "volume"},
           {"file", file},
           {"service", service()},
           {"order", common::need_integer(config(), "order")},
           {"pause", pauses()},
           {"bytes", size(op)},
           {"by_hand",
            {fmt::format("zstd -dc {}.zst | tar -x --numeric-owner -C <the empty volume of {}>   "
                         "# as root, with the service stopped",
                         file, volume())}}}}}});
  }

  std::string capture(Op& op, std::string_view, int fd) override {
    json::object facts{{"mode", need_text(config(), "mode")}};
    common::TarTotals totals;
    if (need_text(config(), "mode") == "hot")
      totals = capture_hot(op, fd, facts);
    else
      totals = capture_cold(op, fd);
    return json::serialize(
        json::object{{"version", ""},
                     {"counts", {{"files", totals.files}, {"bytes", totals.bytes}}},
                     {"facts", facts}});
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect a volume");
    const auto totals = common::walk_tar(op, fd, {});
    const auto* counts = common::object_at(request, "counts");
    const auto wanted = counts == nullptr ? std::nullopt : common::integer_at(*counts, "files");
    if (wanted && *wanted != static_cast<std::int64_t>(totals.files))
      throw Error(FBX_FAILED,
                  fmt::format("the tar has {} files, the manifest says {}", totals.files, *wanted),
                  "use another generation");
    return json::serialize(json::object{
        {"checked", fmt::format("{} files, {} bytes in a tar", totals.files, totals.bytes)}});
  }

 private:
  const json::object& config() const { return context_.config; }
  std::string volume() const { return need_text(config(), "volume"); }
  std::string service() const { return common::text_at(config(), "service").value_or(volume()); }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  // Throws FBX_SKIPPED for an optional service that cannot run here.
  std::int64_t size(const Op& op) const {
    try {
      const auto answer = common::parse_object(
          op.runtime().volumes(json::serialize(json::object{{"services", {service()}}})),
          "the runtime's volumes");
      if (const auto* list = common::array_at(answer, "volumes"))
        for (const json::value& item : *list)
          if (item.is_object() && common::text_at(item.get_object(), "name") == volume())
            return common::integer_at(item.get_object(), "bytes").value_or(0);
      op.runtime().endpoint(json::serialize(json::object{{"service", service()}, {"port", 0}}));
      return 0;
    } catch (const Reported& reported) {
      throw common::error_of(reported);
    }
  }

  common::TarTotals capture_cold(const Op& op, int fd) const {
    try {
      const auto answer = common::parse_object(
          op.runtime().volume_export(json::serialize(json::object{{"volume", volume()}}), fd),
          "the runtime's answer");
      return {static_cast<std::uint64_t>(common::need_integer(answer, "files")),
              static_cast<std::uint64_t>(common::need_integer(answer, "bytes"))};
    } catch (const Reported& reported) {
      throw common::error_of(reported);
    }
  }

  // tar beside the running service. Right only for data whose files are written once and renamed
  // into place, as an object store's are: one that goes meanwhile is no part of the capture.
  common::TarTotals capture_hot(const Op& op, int fd, json::object& facts) const {
    common::Pipe pipe = common::make_pipe();
    common::Finished finished;
    std::exception_ptr failed;
    std::thread runner([&] {
      try {
        finished = common::stream_beside(op, tar(), pipe.write.get());
      } catch (...) {
        failed = std::current_exception();
      }
      pipe.write.reset();
    });
    common::TarTotals totals;
    std::exception_ptr unread;
    try {
      const common::Stream out(op, fd, "capturing " + volume());
      common::TarWalk walk;
      walk.tee = [&](std::string_view bytes) { out.write(bytes); };
      totals = common::walk_tar(op, pipe.read.get(), walk);
    } catch (...) {
      unread = std::current_exception();
    }
    pipe.read.reset();
    runner.join();
    if (failed) std::rethrow_exception(failed);
    // The program's own complaint says more than that its stream is cut off.
    if (finished.exit_code != 0 && finished.exit_code != kTarChanged)
      common::require_success(finished, fmt::format("tar beside {}", service()),
                              "check that the service runs and has the folder");
    if (unread) std::rethrow_exception(unread);
    if (finished.exit_code == kTarChanged) facts["changed_meanwhile"] = true;
    return totals;
  }

  common::Program tar() const {
    const auto* command = common::array_at(config(), "command");
    if (command == nullptr || command->empty())
      throw Error(FBX_CONFIG, fmt::format("{} has mode \"hot\" and no command", context_.instance),
                  "set command = [\"tar\", \"-cf\", \"-\", \"-C\", \"/data\", \".\"]");
    common::Program program{service(), {}, {}, {}, -1};
    for (const json::value& word : *command) program.command.emplace_back(word.as_string());
    return program;
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotVolume)
