// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <map>

#include "common/disk.hpp"
#include "common/probe.hpp"
#include "redis_client.hpp"

namespace fbx::redis {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::Result;
using common::Retry;
using common::Severity;

using Info = std::map<std::string, std::string, std::less<>>;

Info parse_info(std::string_view text) {
  Info info;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos)
      info.emplace(line.substr(0, colon), line.substr(colon + 1));
  }
  return info;
}

std::string value(const Info& info, std::string_view key) {
  const auto found = info.find(key);
  return found == info.end() ? std::string{} : found->second;
}

std::int64_t number(const Info& info, std::string_view key) {
  const std::string text = value(info, key);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// From "db0:keys=12,expires=3,..."; an empty database has no line.
std::int64_t keys(const Info& info, std::int64_t database) {
  const std::string line = value(info, fmt::format("db{}", database));
  std::int64_t count = 0;
  if (line.starts_with("keys=")) std::from_chars(line.data() + 5, line.data() + line.size(), count);
  return count;
}

// What an error reply means for the operator, where the reply itself settles the matter.
[[noreturn]] void fail(const std::string& who, std::string_view command, const Reply& reply) {
  const std::string_view code = reply.error_code();
  const std::string evidence = fmt::format("{} answered: {}", command, reply.text);
  if (code == "LOADING" || code == "MASTERDOWN") throw common::still_starting(who, evidence);
  if (code == "NOAUTH")
    throw CheckFailed(Retry::no, fmt::format("{} wants a password", who), evidence,
                      "set the probe's password to the secret that the server was started with");
  if (code == "WRONGPASS" || reply.text == "ERR invalid password")
    throw CheckFailed(Retry::no, fmt::format("{} refused the password", who), evidence,
                      "the secret and the server's requirepass differ: set them to the same value "
                      "and restart the service");
  if (command == "AUTH" && code == "ERR")
    throw CheckFailed(Retry::no, fmt::format("{} is open to anyone: it has no password", who),
                      evidence, "set requirepass in the server's config to the same secret");
  if (code == "NOPERM")
    throw CheckFailed(Retry::no, fmt::format("{} denies {} to this user", who, command), evidence,
                      "give the user +@read +@write +info +ping +config|get and its keys by ACL");
  if (code == "MISCONF")
    throw CheckFailed(Retry::no, fmt::format("{} takes no writes: it cannot save to disk", who),
                      evidence,
                      "see why the last save failed (disk full? permissions?) in its log");
  if (code == "OOM")
    throw CheckFailed(Retry::no, fmt::format("{} takes no writes: its memory is used up", who),
                      evidence, "raise maxmemory, or find out which queue grows");
  if (code == "READONLY")
    throw CheckFailed(Retry::no, fmt::format("{} takes no writes: it is a replica", who), evidence,
                      "point the probe and Langfuse at the primary");
  throw CheckFailed(Retry::no, fmt::format("{} cannot do {}", who, command), evidence,
                    "see the server's log; check that this is the server you mean");
}

Reply must(Client& client, const std::string& who, const std::vector<std::string_view>& words) {
  Reply reply = client.command(words);
  if (reply.is_error()) fail(who, words.front(), reply);
  return reply;
}

void must_answer(const Reply& reply, std::string_view want, const std::string& who,
                 std::string_view command) {
  if (reply.text == want) return;
  throw CheckFailed(Retry::no, fmt::format("{} gave a wrong answer", who),
                    fmt::format("{} answered \"{}\", not \"{}\"", command, reply.text, want),
                    "check that a Redis server listens there and not something else");
}

}  // namespace

class ProbeRedis final : public common::Probe {
 public:
  explicit ProbeRedis(std::string_view context) : Probe(context, "Redis", 6379) {}

 protected:
  std::string intent() const override {
    return "log in, PING, write and read a key, judge policy, persistence and memory";
  }

  void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) override {
    const std::string name = who(endpoint);
    Client client(endpoint, deadline, name);
    log_in(client, deadline.op(), name);

    const common::Stopwatch watch;
    must_answer(must(client, name, {"PING"}), "PONG", name, "PING");
    const double latency = watch.ms();
    judge_latency(latency, endpoint, result);

    const Info info = parse_info(must(client, name, {"INFO"}).text);
    if (value(info, "loading") == "1")
      throw common::still_starting(name, "it loads its data from disk");
    judge_version(info, result);
    judge_policy(client, info, result);
    judge_persistence(client, info, result);
    judge_memory(info, result);
    write_and_read(client, name);
    common::judge_data_path(config(), result);
    summarize(value(info, "redis_version"), latency, endpoint, result);
  }

 private:
  void log_in(Client& client, const Op& op, const std::string& name) const {
    if (!common::secret_at(config(), "password")) return;
    const Secret password = secret_of(op, "password");
    const auto user = common::text_at(config(), "user");
    must_answer(user ? must(client, name, {"AUTH", *user, password.view()})
                     : must(client, name, {"AUTH", password.view()}),
                "OK", name, "AUTH");
  }

  void judge_version(const Info& info, Result& result) const {
    const std::string have = value(info, "redis_version");
    const std::string want = common::need_text(config(), "min_version");
    if (!common::version_at_least(have, want))
      result.add({Severity::warning,
                  "the server is too old for Langfuse",
                  fmt::format("version {}, wanted {} or newer", have, want),
                  "update the Redis service",
                  {}});
  }

  void judge_policy(Client& client, const Info& info, Result& result) const {
    if (common::need_text(config(), "maxmemory_policy") == "any") return;
    const Reply reply = client.command({"CONFIG", "GET", "maxmemory-policy"});
    const std::string policy =
        reply.list.size() == 2 ? reply.list[1].text : value(info, "maxmemory_policy");
    if (policy == "noeviction") return;
    result.add({Severity::error,
                "the server may throw away queued jobs",
                fmt::format("maxmemory-policy is {}", policy.empty() ? "unknown" : policy),
                "set `maxmemory-policy noeviction` in the server's config and restart it",
                {}});
  }

  void judge_persistence(Client& client, const Info& info, Result& result) const {
    const bool aof = value(info, "aof_enabled") == "1";
    const bool rdb_failed = value(info, "rdb_last_bgsave_status") == "err";
    if (aof && value(info, "aof_last_write_status") == "err")
      result.add({Severity::error,
                  "the last write of the append-only file failed",
                  "aof_last_write_status:err",
                  "see the server's log: disk full? permissions?",
                  {}});
    if (aof && value(info, "aof_last_bgrewrite_status") == "err")
      result.add({Severity::warning,
                  "the last rewrite of the append-only file failed",
                  "aof_last_bgrewrite_status:err",
                  "see the server's log: disk full? memory?",
                  {}});
    if (rdb_failed)
      result.add({Severity::error,
                  "the last snapshot to disk failed",
                  "rdb_last_bgsave_status:err",
                  "see the server's log: disk full? permissions?",
                  {}});
    if (aof || !common::need_boolean(config(), "persistence")) return;
    if (saves_snapshots(client, info)) return;
    result.add({Severity::warning,
                "nothing is kept over a restart: queued jobs would be lost",
                "appendonly is off, and so are snapshots",
                "set `appendonly yes` in the server's config and restart it",
                {}});
  }

  // INFO does not say whether snapshots are configured; where CONFIG is disabled, that one was made
  // since the start does.
  static bool saves_snapshots(Client& client, const Info& info) {
    const Reply save = client.command({"CONFIG", "GET", "save"});
    if (save.list.size() == 2) return !save.list[1].text.empty();
    return number(info, "rdb_saves") > 0 || value(info, "rdb_bgsave_in_progress") == "1";
  }

  void judge_memory(const Info& info, Result& result) const {
    const std::int64_t used = number(info, "used_memory");
    const std::int64_t most = number(info, "maxmemory");
    result.metric("memory_used", used, "B");
    result.metric("keys", keys(info, common::need_integer(config(), "database")), "");
    result.metric("clients", number(info, "connected_clients"), "");
    if (most == 0) return;
    const double percent = 100 * static_cast<double>(used) / static_cast<double>(most);
    result.metric("memory_used_percent", percent, "%");
    if (percent < common::need_number(config(), "memory_warn_percent")) return;
    result.add({Severity::warning,
                "the server's memory is filling up",
                fmt::format("{} of maxmemory {} used ({:.0f} %)",
                            common::human_size(static_cast<double>(used)),
                            common::human_size(static_cast<double>(most)), percent),
                "raise maxmemory, or find out which queue grows: full means no writes",
                {}});
  }

  // A key of its own for each check, with a lifetime, so that nothing stays behind.
  void write_and_read(Client& client, const std::string& name) const {
    const std::int64_t database = common::need_integer(config(), "database");
    if (database != 0) must(client, name, {"SELECT", std::to_string(database)});
    const std::string stamp =
        std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
    const std::string key = fmt::format("fusebox:probe:{}:{}", context().instance, stamp);
    must_answer(must(client, name, {"SET", key, stamp, "EX", "30", "NX"}), "OK", name, "SET");
    must_answer(must(client, name, {"GET", key}), stamp, name, "GET");
    must(client, name, {"DEL", key});
  }
};

}  // namespace fbx::redis

FUSEBOX_PLUGIN(fbx::redis::ProbeRedis)
