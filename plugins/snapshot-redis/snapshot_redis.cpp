// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "common/beside.hpp"
#include "common/io.hpp"
#include "common/json.hpp"
#include "common/transfer.hpp"
#include "data_folder.hpp"
#include "rdb.hpp"

namespace fbx::snapshot {

namespace json = boost::json;
using common::need_text;

namespace {

// The number after `key` in what INFO prints.
std::optional<std::int64_t> info_number(const std::string& info, std::string_view key) {
  const std::size_t at = info.find(key);
  if (at == std::string::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* end = info.data() + info.size();
  const auto read = std::from_chars(info.data() + at + key.size(), end, number);
  return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

// Keys that expire are gone after a while, whether they were restored or not.
json::object counts_of(const RdbReader& rdb) {
  json::object counts;
  if (const auto keys = rdb.keys()) counts["keys"] = keys->lasting();
  return counts;
}

// Throws FBX_FAILED for what is no whole RDB file, or not the one that was captured.
void require_good(RdbReader& rdb, const json::object& request) {
  const std::string problem = rdb.finish();
  if (!problem.empty())
    throw Error(FBX_FAILED, fmt::format("the RDB file is damaged: {}", problem),
                "use another generation");
  const auto* counts = common::object_at(request, "counts");
  const auto wanted = counts != nullptr ? common::integer_at(*counts, "keys") : std::nullopt;
  const auto keys = rdb.keys();
  if (wanted && keys && *wanted != keys->lasting())
    throw Error(FBX_FAILED,
                fmt::format("the RDB file has {} keys that do not expire, the manifest says {}",
                            keys->lasting(), *wanted),
                "use another generation");
}

// A file of this process alone: it has no name any more, so that nothing is left of it whatever
// happens.
common::Fd nameless_file(const std::filesystem::path& folder, const std::string& name) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, ignored);
  const std::filesystem::path path = folder / name;
  std::filesystem::remove(path, ignored);
  common::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw common::io_error("create", path, errno);
  std::filesystem::remove(path, ignored);
  return fd;
}

}  // namespace

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
           {"order", 250},
           {"pause", pauses()},
           {"offline", true},
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
    return json::serialize(json::object{
        {"version", rdb.version()}, {"counts", counts_of(rdb)}, {"facts", facts(op, rdb)}});
  }

  std::string inspect(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to inspect an RDB file");
    RdbReader rdb;
    read_rdb(op, fd, rdb, "reading an RDB file");
    require_good(rdb, request);
    const auto keys = rdb.keys();
    return json::serialize(json::object{
        {"checked", fmt::format("RDB checksum{}", keys ? fmt::format(", {} keys, {} of them expire",
                                                                     keys->all, keys->expiring)
                                                       : "")}});
  }

  // The header of a file in a tar tells its size, and only the end of an RDB file whether it is
  // whole: so it is put aside first, and what is damaged never comes near the server's volume.
  std::string stage(Op& op, std::string_view text, int fd) override {
    const auto request = common::parse_object(text, "the request to stage an RDB file");
    const std::string tag = common::need_text(request, "tag");
    const common::Fd file = nameless_file(context_.state_dir, tag + ".rdb");
    RdbReader rdb(
        [&](std::string_view bytes) { common::write_all(file.get(), bytes, context_.state_dir); });
    try {
      read_rdb(op, fd, rdb, "staging an RDB file");
      require_good(rdb, request);
    } catch (const Error&) {
      turn_to(op, tag, "old");  // what an earlier call staged
      throw;
    }
    const DataFolder folder = data_folder(op, request);
    folder.require_restorable();
    const std::string ask = json::serialize(json::object{{"volume", volume()}, {"tag", tag}});
    const auto done = common::transfer(
        [&](int pipe) {
          const common::Stream out(op, pipe, "staging an RDB file");
          folder.write_tar([&](std::string_view bytes) { out.write(bytes); }, rdb.bytes(),
                           [&](const auto& take) { read_again(op, file.get(), take); });
          return std::string();
        },
        [&](int pipe) { return op.runtime().volume_stage(ask, pipe); });
    for (const auto* side : {&done.reader, &done.writer})
      if (side->error) throw *side->error;
    return json::serialize(json::object{{"counts", counts_of(rdb)}});
  }

  std::string turn(Op& op, std::string_view text) override {
    const auto request = common::parse_object(text, "the request to turn Redis");
    turn_to(op, need_text(request, "tag"), need_text(request, "to"));
    return "{}";
  }

  std::string count(Op& op, std::string_view) override {
    const std::string info = ask_info(op, "everything");
    if (info_number(info, "loading:").value_or(0) != 0)
      throw Error(FBX_UNAVAILABLE, fmt::format("{} is still loading its data", service()),
                  "try again in a moment");
    const std::size_t at = info.find("\ndb0:");
    const std::string zero = at == std::string::npos ? "" : info.substr(at);
    const auto keys = info_number(zero, "db0:keys=").value_or(0);
    const auto expiring = info_number(zero, ",expires=").value_or(0);
    return json::serialize(json::object{{"counts", {{"keys", keys - expiring}}}});
  }

 private:
  const json::object& config() const { return context_.config; }
  std::string service() const { return need_text(config(), "service"); }
  std::string volume() const { return common::text_at(config(), "volume").value_or(service()); }

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

  std::string ask_info(const Op& op, const std::string& section) const {
    const auto finished = common::run_beside(op, redis({"-e", "info", section}));
    common::require_success(finished, fmt::format("redis-cli beside {}", service()),
                            "check that the server runs and the password is right: `fusebox "
                            "health`");
    return finished.out;
  }

  // More than an RDB file of it takes.
  std::int64_t memory_used(const Op& op) const {
    return info_number(ask_info(op, "memory"), "used_memory:").value_or(0);
  }

  DataFolder ask_folder(const Op& op) const {
    return DataFolder::ask(op, [&](const std::string& commands) {
      common::Program program = redis({});
      program.stdin_text = commands;
      return program;
    });
  }

  // Those of the server itself let a restore do without it.
  json::object facts(const Op& op, const RdbReader& rdb) const {
    json::object facts;
    try {
      facts = ask_folder(op).facts();
    } catch (const Error& error) {
      op.check("asking Redis for its settings");
      op.log(Level::warn,
             fmt::format("the generation cannot tell where {} looks for its data, so a "
                         "restore will need it running: {}",
                         service(), error.what()));
    }
    if (const auto keys = rdb.keys()) facts["expiring"] = keys->expiring;
    return facts;
  }

  // As the server says; while it is down, as the generation says.
  DataFolder data_folder(const Op& op, const json::object& request) const {
    const auto* facts = common::object_at(request, "facts");
    try {
      return ask_folder(op);
    } catch (const Error& error) {
      op.check("asking Redis for its settings");
      const auto kept = facts != nullptr ? DataFolder::from_facts(*facts) : std::nullopt;
      if (!kept) throw;
      op.log(Level::warn, fmt::format("{} cannot be asked how it keeps its data, so it is staged "
                                      "as it was kept when it was captured: {}",
                                      service(), error.what()));
      return *kept;
    }
  }

  void turn_to(const Op& op, const std::string& tag, const std::string& to) const {
    const std::string turn =
        json::serialize(json::object{{"volume", volume()}, {"tag", tag}, {"to", to}});
    common::answer_of([&] { return op.runtime().volume_turn(turn); });
  }

  static void read_rdb(const Op& op, int fd, RdbReader& rdb, const std::string& doing) {
    const common::Stream in(op, fd, doing);
    std::vector<char> buffer(1U << 16U);
    while (const std::size_t got = in.read(buffer)) rdb.add({buffer.data(), got});
  }

  static void read_again(const Op& op, int fd, const std::function<void(std::string_view)>& take) {
    if (::lseek(fd, 0, SEEK_SET) != 0)
      throw Error(FBX_IO, "cannot go back to the start of the RDB file");
    const common::Stream in(op, fd, "staging an RDB file");
    std::vector<char> buffer(1U << 16U);
    while (const std::size_t got = in.read(buffer)) take({buffer.data(), got});
  }

  common::Context context_;
};

}  // namespace fbx::snapshot

FUSEBOX_PLUGIN(fbx::snapshot::SnapshotRedis)
