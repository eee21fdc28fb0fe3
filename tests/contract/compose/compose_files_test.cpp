// SPDX-License-Identifier: Apache-2.0
// compose/ as Compose itself reads it: what every deployment of Langfuse may count on.
#include "support/compose_program.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <set>
#include <sstream>

namespace fs = std::filesystem;
namespace json = boost::json;
using fusebox::test::compose_program;
using fusebox::test::read_lock;

namespace {

const fs::path root = FUSEBOX_TEST_ROOT;
const std::set<std::string> services = {"langfuse-web", "langfuse-worker", "postgres",
                                        "clickhouse",   "redis",           "minio"};
const std::vector<std::string> lock_names = {"versions.lock", "versions-v3.lock"};

// Values that break what is careless with quotes, spaces, `$` and `#`.
const std::map<std::string, std::string> secrets = {
    {"POSTGRES_PASSWORD", "canary-postgres"},
    {"CLICKHOUSE_PASSWORD", "canary-clickhouse"},
    {"REDIS_AUTH", R"(canary-redis $HOME ${X} #1 'a' "b\c")"},
    {"MINIO_ROOT_USER", "canary-minio-user"},
    {"MINIO_ROOT_PASSWORD", "canary-minio-password"},
    {"ENCRYPTION_KEY", "canary-key"},
    {"SALT", "canary-salt"},
    {"NEXTAUTH_SECRET", "canary-nextauth"}};

using Files = std::vector<std::string>;
const Files base = {"docker-compose.yml"};
const Files loopback = {"docker-compose.yml", "docker-compose.loopback.yml"};
const Files backup = {"docker-compose.yml", "docker-compose.backup.yml"};

fusebox::test::Output compose_config(const Files& files,
                                     const std::map<std::string, std::string>& environment,
                                     const std::string& lock = "versions.lock") {
  auto command = compose_program();
  for (const auto& word : {std::string("--env-file"), (root / "configs" / lock).string()})
    command.push_back(word);
  for (const auto& file : files) {
    command.emplace_back("-f");
    command.push_back((root / "compose" / file).string());
  }
  for (const auto* word : {"config", "--format", "json"}) command.emplace_back(word);
  return fusebox::test::run_program(command, environment);
}

json::object project(const Files& files, const std::string& lock = "versions.lock") {
  auto environment = secrets;
  environment["BACKUP_DIR"] = "/var/backups/langfuse";
  const auto ended = compose_config(files, environment, lock);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(ended.err.empty());  // Compose warns here of what it does not understand
  return json::parse(ended.out).as_object();
}

const json::object& service(const json::object& whole, const std::string& name) {
  return whole.at("services").at(name).as_object();
}

std::string text(const json::value& value) { return std::string(value.as_string()); }

std::string tag_of(const std::string& image) {
  const auto colon = image.find_last_of(':');
  return colon == std::string::npos || image.find('/', colon) != std::string::npos
             ? ""
             : image.substr(colon + 1);
}

// The volume mounted at `target`, or "".
std::string mounted(const json::object& one, std::string_view target) {
  if (!one.contains("volumes")) return "";
  for (const auto& volume : one.at("volumes").as_array())
    if (volume.at("target").as_string() == target) return text(volume.at("source"));
  return "";
}

std::map<std::string, std::string> conf(const fs::path& file) {
  auto values = read_lock(file);
  for (auto& [name, value] : values) value = value.substr(1, value.size() - 2);  // quotes
  return values;
}

}  // namespace

TEST_CASE("the stack is its six services, and each overlay fits on it") {
  for (const auto& files : {base, loopback, backup}) {
    std::set<std::string> names;
    const auto whole = project(files);
    for (const auto& entry : whole.at("services").as_object()) names.emplace(entry.key());
    names.erase("backup");
    CHECK(names == services);
  }
}

TEST_CASE("D04 each service has a health check, which asks 127.0.0.1 and never localhost") {
  const auto whole = project(base);
  for (const auto& name : services) {
    INFO(name);
    const auto& check = service(whole, name).at("healthcheck").as_object();
    const auto command = json::serialize(check.at("test"));
    CHECK(command.find("localhost") == std::string::npos);
    const bool minio = name == "minio";  // mc finds the address in its variable
    CHECK((minio ? text(service(whole, name).at("environment").at("MC_HOST_local")) : command)
              .find("127.0.0.1") != std::string::npos);
    CHECK(check.at("retries").to_number<int>() >= 10);
  }
  CHECK(text(service(whole, "langfuse-web").at("healthcheck").at("start_period")) == "1h0m0s");
  // Next.js listens on what this names, and the engine sets it to the container's ID.
  CHECK(service(whole, "langfuse-web").at("environment").at("HOSTNAME") == "0.0.0.0");
}

TEST_CASE("D09 the check of Redis counts an error as one, and logs in") {
  const auto whole = project(base);
  CHECK(json::serialize(service(whole, "redis").at("healthcheck").at("test")) ==
        R"(["CMD","redis-cli","-h","127.0.0.1","-e","ping"])");
  CHECK(service(whole, "redis").at("environment").as_object().contains("REDISCLI_AUTH"));
}

TEST_CASE("D12 a secret reaches its container as it is, whatever characters it has") {
  const auto whole = project(base);
  auto value = text(service(whole, "redis").at("environment").at("REDISCLI_AUTH"));
  for (auto at = value.find("$$"); at != std::string::npos; at = value.find("$$", at + 1))
    value.erase(at, 1);  // how `config` prints a `$`
  CHECK(value == secrets.at("REDIS_AUTH"));
}

TEST_CASE("D14 every image comes from the lock file alone") {
  for (const auto& lock : lock_names) {
    std::set<std::string> locked;
    for (const auto& [name, image] : read_lock(root / "configs" / lock)) locked.insert(image);
    std::set<std::string> used;
    const auto whole = project(backup, lock);
    for (const auto& entry : whole.at("services").as_object())
      used.insert(text(entry.value().at("image")));
    CHECK(used == locked);
  }
}

TEST_CASE("D17 web and worker have the same version in every lock file") {
  for (const auto& name : lock_names) {
    const auto lock = read_lock(root / "configs" / name);
    CHECK(tag_of(lock.at("LANGFUSE_WEB_IMAGE")) == tag_of(lock.at("LANGFUSE_WORKER_IMAGE")));
  }
}

TEST_CASE("D18 no file that the Compose files name is missing") {
  for (const auto& files : {base, loopback, backup}) {
    const auto whole = project(files);
    for (const auto& entry : whole.at("services").as_object()) {
      if (!entry.value().as_object().contains("volumes")) continue;
      for (const auto& volume : entry.value().at("volumes").as_array()) {
        if (volume.at("type") != "bind") continue;
        const fs::path source = text(volume.at("source"));
        if (!source.string().starts_with(root.string()))
          continue;  // the user's own folder, the socket
        INFO(source.string());
        CHECK(fs::exists(source));
      }
    }
  }
}

TEST_CASE("D21 a secret without a value is refused by name, never taken as empty") {
  for (const auto& [name, value] : secrets) {
    auto environment = secrets;
    environment[name] = "";
    const auto ended = compose_config(base, environment);
    INFO(name << ": " << ended.err);
    CHECK(ended.exit_code != 0);
    CHECK(ended.err.find(name) != std::string::npos);
  }
}

TEST_CASE("D37 Redis keeps its data and evicts nothing, the clocks are UTC, no tag floats") {
  const auto whole = project(base);
  CHECK(mounted(service(whole, "redis"), "/data") == "langfuse_redis_data");
  const auto redis = json::serialize(service(whole, "redis").at("command"));
  CHECK(redis.find("maxmemory-policy noeviction") != std::string::npos);
  CHECK(redis.find("appendonly yes") != std::string::npos);
  for (const auto& name : services) CHECK(service(whole, name).at("environment").at("TZ") == "UTC");
  CHECK(json::serialize(service(whole, "postgres").at("command")).find("timezone=UTC") !=
        std::string::npos);
  for (const auto& name : lock_names) {
    for (const auto& [key, image] : read_lock(root / "configs" / name)) {
      INFO(image);
      const auto tag = tag_of(image);
      const auto dots = std::count(tag.begin(), tag.end(), '.');
      CHECK((dots >= 2 || tag.starts_with("RELEASE.") || (key == "POSTGRES_IMAGE" && dots == 1)));
      CHECK(image.find("docker.io/minio/") == std::string::npos);  // cannot be pulled any more
    }
  }
}

TEST_CASE("D37 ClickHouse's own tables and log files are bounded, and Langfuse's stays") {
  const auto whole = project(base);
  const fs::path snippet =
      mounted(service(whole, "clickhouse"), "/etc/clickhouse-server/config.d/fusebox.xml");
  const auto xml = fusebox::test::slurp(snippet);
  for (const auto* table : {"trace_log", "text_log", "opentelemetry_span_log",
                            "asynchronous_metric_log", "metric_log", "latency_log"})
    CHECK(xml.find(fmt::format("<{} remove=\"1\"/>", table)) != std::string::npos);
  CHECK(xml.find("<query_log remove") == std::string::npos);
  CHECK(xml.find("<timezone>UTC</timezone>") != std::string::npos);
  CHECK(xml.find("<size>100M</size>") != std::string::npos);
}

TEST_CASE("every container's log is bounded") {
  const auto whole = project(backup);
  for (const auto& entry : whole.at("services").as_object()) {
    INFO(std::string(entry.key()));
    const auto& options = entry.value().at("logging").at("options").as_object();
    CHECK(options.at("max-size") == "10m");
    CHECK(options.at("max-file") == "3");
  }
}

TEST_CASE("D38 Compose makes the network, and every label is one that OrbStack knows") {
  const auto whole = project(backup);
  for (const auto& entry : whole.at("networks").as_object()) {
    CHECK_FALSE(entry.value().as_object().contains("external"));
    CHECK_FALSE(entry.value().as_object().contains("driver_opts"));
  }
  const std::set<std::string> known = {"dev.orbstack.domains", "dev.orbstack.http-port",
                                       "docker-volume-backup.stop-during-backup"};
  for (const auto& entry : whole.at("services").as_object()) {
    if (!entry.value().as_object().contains("labels")) continue;
    for (const auto& label : entry.value().at("labels").as_object())
      CHECK(known.count(std::string(label.key())) == 1);
  }
}

TEST_CASE("D39 no secret is in an argument, a health check or a label") {
  const auto whole = project(backup);
  for (const auto& entry : whole.at("services").as_object()) {
    auto rest = entry.value().as_object();
    rest.erase("environment");
    INFO(std::string(entry.key()));
    CHECK(json::serialize(rest).find("canary") == std::string::npos);
  }
}

TEST_CASE("nothing is published without the overlay, and with it on 127.0.0.1 alone") {
  const auto closed = project(base);
  for (const auto& name : services) CHECK_FALSE(service(closed, name).contains("ports"));
  const auto open = project(loopback);
  for (const auto& name : services) {
    INFO(name);
    const auto& ports = service(open, name).at("ports").as_array();
    CHECK_FALSE(ports.empty());
    for (const auto& port : ports) CHECK(port.at("host_ip") == "127.0.0.1");
  }
  // Browsers reach what the overlay publishes, workers the service itself.
  CHECK(service(open, "langfuse-web").at("environment").at("LANGFUSE_S3_MEDIA_UPLOAD_ENDPOINT") ==
        "http://localhost:9090");
  CHECK(
      service(open, "langfuse-worker").at("environment").at("LANGFUSE_S3_MEDIA_UPLOAD_ENDPOINT") ==
      "http://minio:9000");
}

TEST_CASE("web waits for the four stores, and worker for what web migrates") {
  const auto whole = project(base);
  std::set<std::string> stores;
  for (const auto& entry : service(whole, "langfuse-web").at("depends_on").as_object()) {
    stores.emplace(entry.key());
    CHECK(entry.value().at("condition") == "service_healthy");
  }
  CHECK(stores == std::set<std::string>{"clickhouse", "minio", "postgres", "redis"});
  CHECK(service(whole, "langfuse-worker").at("depends_on").as_object().contains("langfuse-web"));
}

TEST_CASE("D25 the tiers of the backup overlay have prefixes of their own") {
  std::set<std::string> prefixes;
  for (const auto* tier : {"daily", "weekly", "monthly"}) {
    const auto values = conf(root / fmt::format("configs/backup/{}.conf", tier));
    const auto prefix = values.at("BACKUP_PRUNING_PREFIX");
    CHECK(values.at("BACKUP_FILENAME").starts_with(prefix));
    CHECK(prefixes.insert(prefix).second);
  }
}

TEST_CASE("D26 every key of the backup overlay is one that the container reads") {
  const std::set<std::string> known = {"BACKUP_SOURCES",
                                       "BACKUP_FILENAME",
                                       "BACKUP_ARCHIVE",
                                       "BACKUP_LATEST_SYMLINK",
                                       "BACKUP_CRON_EXPRESSION",
                                       "BACKUP_RETENTION_DAYS",
                                       "BACKUP_PRUNING_LEEWAY",
                                       "BACKUP_PRUNING_PREFIX",
                                       "BACKUP_COMPRESSION",
                                       "BACKUP_STOP_DURING_BACKUP_LABEL",
                                       "TZ"};
  const auto whole = project(backup);
  for (const auto& entry : service(whole, "backup").at("environment").as_object())
    CHECK(known.count(std::string(entry.key())) == 1);
  int files = 0;
  for (const auto& file : fs::directory_iterator(root / "configs/backup")) {
    ++files;
    for (const auto& [key, value] : conf(file.path())) CHECK(known.count(key) == 1);
  }
  CHECK(files == 3);
}
