// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "config/config.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"
#include "support/servers.hpp"
#include "support/temp_dir.hpp"
#include "util/error.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
namespace config = fusebox::config;
namespace plugin = fusebox::plugin;
using fusebox::test::free_port;
using fusebox::test::TempDir;

namespace {

const char* const instance = "runtime-process";
const char* const canary = "Canary7c1bA9zQ";

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The demo's services on free ports and in a folder of their own.
class Demo {
 public:
  Demo() {
    fs::permissions(dir.path(),
                    fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    config::LoadOptions options;
    options.file = DEMO_CONFIG;
    options.set = {fmt::format("stack.state_dir={}", (dir / "state").string()),
                   fmt::format("plugins.{}.data_dir={}", instance, (dir / "data").string())};
    const std::map<std::string, std::vector<std::string>> ports{
        {"postgres", {"postgres"}},
        {"clickhouse", {"http", "native", "interserver"}},
        {"redis", {"redis"}},
        {"minio", {"api", "console"}}};
    for (const auto& [service, names] : ports)
      for (const std::string& name : names)
        options.set.push_back(fmt::format("plugins.{}.services.{}.ports.{}.port={}", instance,
                                          service, name, free_port()));
    config_ = config::load(options);
    open();
  }
  // A scratch stack of a live one: the same configuration under another name.
  Demo(const Demo& live, const std::string& name) : run_id("r2"), config_(live.config_) {
    config_.scratch = name;
    open();
  }
  ~Demo() {
    try {
      run("down", {{"volumes", true}});
    } catch (const fusebox::Error& e) {
      MESSAGE(e.what());
    }
  }
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  plugin::CallContext context() {
    plugin::CallContext c;
    c.label = "test";
    c.checkpoint = [this](std::string_view line) { checkpoints.push_back(json::parse(line)); };
    return c;
  }
  json::object request(const std::string& verb, json::object with) {
    return {{"verb", verb},
            {"phase", "test"},
            {"run", run_id},
            {"with", std::move(with)},
            {"secrets", {}},
            {"result", nullptr},
            {"checkpoints", checkpoints}};
  }
  json::object run(const std::string& verb, json::object with = {}) {
    return host->run(instance, request(verb, std::move(with)), context());
  }
  json::object undo(const std::string& verb) {
    return host->undo(instance, request(verb, {}), context());
  }
  std::map<std::string, json::object> services() {
    const json::object answer = host->services(instance, {}, context());
    std::map<std::string, json::object> map;
    for (const json::value& item : answer.at("services").as_array())
      map[std::string(item.at("name").as_string())] = item.as_object();
    return map;
  }
  // What a command beside a service prints.
  std::string exec(json::object request) {
    const fs::path out = dir / "out.txt";
    const int fd = ::open(out.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const json::object result = host->exec(instance, request, -1, fd, fd, context());
    ::close(fd);
    return fmt::format("{}{}", read(out), result.at("exit_code").as_int64());
  }

  TempDir dir;
  std::unique_ptr<plugin::Host> host;
  json::array checkpoints;
  std::string run_id = "r1";

 private:
  void open() {
    catalog_ = plugin::Catalog::discover({PLUGIN_FOLDER});
    for (const char* name : {"POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "REDIS_AUTH",
                             "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"})
      store_.put(name, fmt::format("{}{}", canary, name));
    host = std::make_unique<plugin::Host>(config_, catalog_, store_, problems_);
    if (host->find(instance) == nullptr || host->find(instance)->config.empty())
      for (const auto& problem : problems_) MESSAGE(problem.str());
  }

  config::Config config_;
  plugin::Catalog catalog_;
  fusebox::secrets::Store store_;
  std::vector<config::Problem> problems_;
};

std::vector<fs::path> files_with(const fs::path& folder, std::string_view text) {
  std::vector<fs::path> found;
  for (const auto& item : fs::recursive_directory_iterator(folder))
    if (item.is_regular_file() && read(item).find(text) != std::string::npos)
      found.push_back(item.path());
  return found;
}

}  // namespace

TEST_CASE("the demo's servers come up healthy, stay as they are, and leave nothing behind") {
  fusebox::test::skip_program_if(fusebox::test::PostgresServer::missing());
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  fusebox::test::skip_program_if(fusebox::test::ClickHouseServer::missing());
  const bool with_minio = !fusebox::test::MinioServer::missing();
  fs::path root;
  {
    Demo demo;
    root = demo.dir.path();
    const json::object first = demo.run("up");
    CHECK(first.at("changed") == true);
    MESSAGE(std::string(first.at("summary").as_string()));

    auto services = demo.services();
    REQUIRE(services.size() == 4);
    for (const auto& [name, service] : services) {
      if (name == "minio" && !with_minio) continue;
      CAPTURE(name);
      CHECK(service.at("state") == "running");
      CHECK(service.at("health") == "healthy");
    }

    CHECK(demo.exec(
              {{"service", "clickhouse"},
               {"command",
                {"sh", "-c", "clickhouse-client --config-file=$HOME/client.xml -q 'SELECT 6*7'"}},
               {"environment", {{"CLICKHOUSE_PASSWORD", {{"$secret", "CLICKHOUSE_PASSWORD"}}}}}}) ==
          "42\n0");
    CHECK(demo.exec({{"service", "postgres"},
                     {"command", {"psql", "-Atc", "show timezone"}},
                     {"environment", {{"PGPASSWORD", {{"$secret", "POSTGRES_PASSWORD"}}}}}}) ==
          "UTC\n0");
    CHECK(demo.exec({{"service", "redis"},
                     {"command", {"sh", "-c", "redis-cli -p $REDIS_PORT ping"}}}) == "PONG\n0");

    CHECK(files_with(root, canary).empty());
    for (const auto& item : fs::directory_iterator("/proc")) {
      const std::string line = read(item.path() / "cmdline");
      CHECK(line.find(canary) == std::string::npos);
    }

    const json::object second = demo.run("up");
    CHECK(second.at("changed") == false);
    const auto before = services["redis"].at("id");
    CHECK(demo.services()["redis"].at("id") == before);

    demo.run("stop");
    CHECK(demo.services()["postgres"].at("state") == "exited");
    CHECK(demo.services()["postgres"].at("exit_code") == 0);
    demo.run("start");
    CHECK(demo.services()["postgres"].at("health") == "healthy");

    demo.run("down", {{"volumes", true}});
    CHECK(fs::exists(root / "data") == false);
    CHECK(files_with(root / "state", "").empty());
  }
}

TEST_CASE("undo of the first up removes services and data, from the checkpoints alone") {
  fusebox::test::skip_program_if(fusebox::test::PostgresServer::missing());
  Demo demo;
  demo.run("up", {{"services", {"postgres"}}});
  CHECK(fs::exists(demo.dir / "data" / "postgres" / "PG_VERSION"));
  demo.undo("up");
  CHECK(demo.services()["postgres"].at("state") == "missing");
  CHECK(!fs::exists(demo.dir / "data" / "postgres"));
  CHECK(demo.undo("up").at("changed") == false);
}

TEST_CASE("a scratch stack runs beside the live one, and neither touches the other") {
  fusebox::test::skip_program_if(fusebox::test::PostgresServer::missing());
  fusebox::test::skip_program_if(fusebox::test::RedisServer::missing());
  fusebox::test::skip_program_if(fusebox::test::ClickHouseServer::missing());
  Demo live;
  live.run("up");
  const auto redis = [](Demo& demo, const std::string& command) {
    return demo.exec(
        {{"service", "redis"}, {"command", {"sh", "-c", "redis-cli -p $REDIS_PORT " + command}}});
  };
  CHECK(redis(live, "set who live") == "OK\n0");
  const auto before = live.services();
  std::set<std::int64_t> ports;
  const auto ports_of = [](const json::object& service) {
    std::vector<std::int64_t> list;
    for (const json::value& port : service.at("ports").as_array())
      list.push_back(port.at("port").to_number<std::int64_t>());
    return list;
  };
  for (const auto& [name, service] : before)
    for (const auto port : ports_of(service)) CHECK(ports.insert(port).second);
  {
    Demo scratch(live, "langfuse-demo-drill");
    CHECK(scratch.run("up").at("changed") == true);
    const auto services = scratch.services();
    for (const auto& [name, service] : services) {
      CAPTURE(name);
      for (const auto port : ports_of(service)) CHECK(ports.insert(port).second);
      if (service.at("state") == "missing") continue;  // MinIO, where there is none
      CHECK(service.at("health") == "healthy");
      const json::object place =
          scratch.host->endpoint(instance, {{"service", name}, {"port", 0}}, scratch.context());
      CHECK(place.at("port") != before.at(name).at("ports").at(0).at("port"));
    }
    CHECK(redis(scratch, "get who") == "\n0");
    CHECK(redis(scratch, "set who scratch") == "OK\n0");
    CHECK(scratch.exec({{"service", "postgres"},
                        {"command", {"psql", "-Atc", "show data_directory"}},
                        {"environment", {{"PGPASSWORD", {{"$secret", "POSTGRES_PASSWORD"}}}}}}) ==
          (live.dir / "data/.scratch/langfuse-demo-drill/postgres\n0").string());

    // The next command finds it, and its ports stay.
    Demo again(live, "langfuse-demo-drill");
    CHECK(again.services() == services);
    CHECK(again.run("up").at("changed") == false);
    again.run("stop", {{"services", {"redis"}}});
    Demo later(live, "langfuse-demo-drill");
    later.run("start", {{"services", {"redis"}}});
    CHECK(ports_of(later.services()["redis"]) == ports_of(services.at("redis")));
    CHECK(redis(later, "get who") == "scratch\n0");
  }
  CHECK(!fs::exists(live.dir / "data/.scratch"));
  CHECK(!fs::exists(live.dir / "state/plugins/runtime-process/scratch"));
  for (const auto& [name, service] : live.services())
    if (service.at("state") == "running") CHECK(service.at("id") == before.at(name).at("id"));
  CHECK(live.services()["postgres"].at("health") == "healthy");
  CHECK(redis(live, "get who") == "live\n0");
}
