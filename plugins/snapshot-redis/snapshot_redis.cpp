// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>

#include "common/beside.hpp"
#include "common/io.hpp"
#include "common/json.hpp"
#include "rdb.hpp"

namespace fbx::snapshot {

namespace json = boost::json;
using common::need_text;

class SnapshotRedis final : public Plugin, public Snapshot {
 public:
  explicit SnapshotRedis(std::string_view text) : context_(common::parse_context(text)) {}

  std::string sources(Op& op, std::string_view) override {
    const std::string file = fmt::format("{}.rdb", service());
    return json::serialize(json::object{
        {"sources",
         {{{"name", context_.instance},
           {"kind", "redis"},
           {"file", file},
           {"service", service()},
           {"order", 400},
           {"pause", pauses()},
           {"bytes", memory_used(op)},
           {"by_hand",
            {fmt::format("zstd -d {}.zst -o dump.rdb   # then, with the server stopped, into its "
                         "folder",
                         file),
             "redis-server --appendonly no --dbfilename dump.rdb   # once; then CONFIG SET "
             "appendonly yes"}}}}}});
  }

  // What a replica would get: the state at the moment of a fork, made without stopping anybody.
  std::string capture(Op& op, std::string_view, int fd) override {
    const common::Stream out(op, fd, "capturing " + service());
    RdbReader rdb([&](std::string_view bytes) { out.write(bytes); });
    const auto finished = common::filter_beside(op, redis({"--rdb", "-"}),
                                                [&](std::string_view piece) { rdb.add(piece); });
    common::require_success(finished, fmt::format("redis-cli --rdb beside {}", service()),
                            "check that the server runs and the password is right: `fusebox "
                            "health`");
    const std::string problem = rdb.finish();
    if (!problem.empty())
      throw Error(FBX_IO, fmt::format("what {} sent is no RDB file: {}", service(), problem),
                  "try again; see the server's log");
    json::object counts;
    if (const auto keys = rdb.keys()) counts["keys"] = *keys;
    return json::serialize(
        json::object{{"version", rdb.version()}, {"counts", counts}, {"facts", json::object{}}});
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect an RDB file");
    const common::Stream in(op, fd, "reading an RDB file");
    RdbReader rdb;
    std::vector<char> buffer(1U << 16U);
    while (const std::size_t got = in.read(buffer)) rdb.add({buffer.data(), got});
    const std::string problem = rdb.finish();
    if (!problem.empty())
      throw Error(FBX_FAILED, fmt::format("the RDB file is damaged: {}", problem),
                  "use another generation");
    const auto* counts = common::object_at(request, "counts");
    const auto wanted = counts != nullptr ? common::integer_at(*counts, "keys") : std::nullopt;
    const auto keys = rdb.keys();
    if (wanted && keys && *wanted != *keys)
      throw Error(FBX_FAILED,
                  fmt::format("the RDB file has {} keys, the manifest says {}", *keys, *wanted),
                  "use another generation");
    return json::serialize(json::object{
        {"checked", fmt::format("RDB checksum{}", keys ? fmt::format(", {} keys", *keys) : "")}});
  }

 private:
  const json::object& config() const { return context_.config; }
  std::string service() const { return need_text(config(), "service"); }

  json::array pauses() const {
    const auto* list = common::array_at(config(), "pause");
    return list == nullptr ? json::array{} : *list;
  }

  common::Program redis(const std::vector<std::string>& arguments) const {
    json::object environment;
    if (const auto password = common::secret_at(config(), "password"))
      environment["REDISCLI_AUTH"] = json::object{{"$secret", *password}};
    std::vector<std::string> command{"redis-cli", "-p",
                                     std::to_string(common::need_integer(config(), "port"))};
    if (const auto variable = common::text_at(config(), "port_variable"))
      command = {"sh", "-c", fmt::format("exec redis-cli -p \"${}\" \"$@\"", *variable),
                 "redis-cli"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return {service(), std::move(command), std::move(environment), {}, -1};
  }

  // More than an RDB file of it takes.
  std::int64_t memory_used(const Op& op) const {
    const auto finished = common::run_beside(op, redis({"-e", "info", "memory"}));
    common::require_success(finished, fmt::format("redis-cli beside {}", service()),
                            "check that the server runs and the password is right: `fusebox "
                            "health`");
    constexpr std::string_view key = "used_memory:";
    std::int64_t bytes = 0;
    if (const std::size_t at = finished.out.find(key); at != std::string::npos)
      std::from_chars(finished.out.data() + at + key.size(),
                      finished.out.data() + finished.out.size(), bytes);
    return bytes;
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotRedis)
