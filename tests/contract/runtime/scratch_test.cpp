// SPDX-License-Identifier: Apache-2.0
// A scratch stack of the same Compose files beside the live one, which fix all that can be fixed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "busybox_image.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"
#include "support/engine/docker.hpp"
#include "support/servers.hpp"
#include "support/temp_dir.hpp"
#include "util/error.hpp"

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using fusebox::test::docker;

constexpr const char* canary = "canary-3f7a-scratch";

// A name of the network and the volume that the files take for granted is the stack's, and -shared.
constexpr const char* files = R"(name: fixed
services:
  db:
    image: ${{DB_IMAGE:?}}
    container_name: {0}-db
    entrypoint: [/bin/sh, -c]
    command: ["trap 'exit 0' TERM; echo $$A > /data/started; while :; do sleep 0.1; done"]
    environment: {{ PATH: /bin, A: "pre-${{TOKEN:?}}-$$x", B: plain }}
    ports: ["127.0.0.1:{1}:8080"]
    volumes: ["data:/data", "shared:/shared", "./folder:/folder", "./file:/file"]
    networks: {{ default: {{}}, shared: {{ ipv4_address: 10.213.7.9 }} }}
    labels: {{ dev.orbstack.domains: a.local, dev.orbstack.http-port: "8080", proxy.rule: live }}
    healthcheck: {{ test: [CMD, test, -e, /data/started], interval: 1s }}
  web:
    image: ${{DB_IMAGE:?}}
    entrypoint: [/bin/sh, -c]
    command: ["trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    environment: {{ PATH: /bin }}
    network_mode: host
    depends_on: {{ db: {{ condition: service_healthy }} }}
  unused:
    image: nobody/nothing:1
    profiles: [never]
volumes:
  data: {{ name: {0}-data }}
  shared: {{ external: true, name: {0}-shared }}
networks:
  shared: {{ external: true, name: {0}-shared }}
)";

// The plugin as fusebox would run it for the live stack, or for one beside it.
class Stack {
 public:
  Stack(const fs::path& folder, const std::string& scratch) {
    fusebox::config::LoadOptions options;
    options.file = folder / "fusebox.toml";
    config_ = fusebox::config::load(options);
    config_.scratch = scratch;
    if (!scratch.empty()) config_.state_dir = folder / "scratch-state";
    catalog_ = fusebox::plugin::Catalog::discover({PLUGIN_FOLDER});
    store_.put("TOKEN", canary);
    host_ = std::make_unique<fusebox::plugin::Host>(config_, catalog_, store_, problems_);
    for (const auto& problem : problems_) FAIL(problem.str());
  }

  json::object run(const std::string& verb, const json::object& with = {}) {
    return host_->run("runtime", request(verb, with), context());
  }
  void undo(const std::string& verb) { host_->undo("runtime", request(verb, {}), context()); }
  json::object endpoint(int port) {
    return host_->endpoint("runtime", {{"service", "db"}, {"port", port}}, context());
  }
  std::string volumes() { return json::serialize(host_->volumes("runtime", {}, context())); }

 private:
  fusebox::plugin::CallContext context() {
    fusebox::plugin::CallContext context;
    context.label = "test";
    context.checkpoint = [this](std::string_view line) {
      checkpoints_.push_back(json::parse(line));
    };
    return context;
  }
  json::object request(const std::string& verb, const json::object& with) const {
    return {{"verb", verb},
            {"phase", "test"},
            {"run", "r1"},
            {"with", with},
            {"result", nullptr},
            {"secrets", json::array{"TOKEN"}},
            {"checkpoints", checkpoints_}};
  }

  json::array checkpoints_;
  fusebox::config::Config config_;
  fusebox::plugin::Catalog catalog_;
  fusebox::secrets::Store store_;
  std::vector<fusebox::config::Problem> problems_;
  std::unique_ptr<fusebox::plugin::Host> host_;
};

class World {
 public:
  World()
      : name(fmt::format("fixed-{}-{}", ::getpid(), fusebox::test::free_port())),
        drill(name + "-drill"),
        port(fusebox::test::free_port()),
        image(fmt::format("docker.langfuse.com/{}/db:1", name)) {
    engine_test::require_engine();
    write("image.tar", engine_test::busybox_stream());
    docker({"import", (dir / "image.tar").string(), image});
    docker({"push", "--quiet", image});
    docker({"rmi", image});
    docker({"network", "create", "--subnet", "10.213.7.0/24", name + "-shared"});
    docker({"volume", "create", name + "-shared"});
    fs::create_directory(dir / "folder");
    write("folder/precious", "live");
    write("file", "settings");
    write("compose.yml", fmt::format(files, name, port));
    write("backup.yml", "services: { backup: { image: \"nobody/nothing:1\" } }\n");
    write("versions.lock", "DB_IMAGE=" + image + "\n");
    write("fusebox.toml",
          fmt::format("[stack]\nname = \"{}\"\nversions = \"versions.lock\"\nstate_dir = \"{}\"\n"
                      "[plugins.runtime]\nuse = \"runtime-docker\"\nfiles = [\"compose.yml\"]\n"
                      "overlay = [\"backup.yml\"]\nvolumes = [\"{}-data\"]\nmin_disk = 0\n"
                      "environment = {{ TOKEN = {{ secret = \"TOKEN\" }} }}\n",
                      name, (dir / "state").string(), name));
  }
  ~World() {
    try {
      for (const std::string& project : {name, drill})
        for (const auto& [list, remove] : kinds) {
          std::istringstream ids(docker(with_filter(list, project)));
          for (std::string id; ids >> id;) docker(with_word(remove, id));
        }
      docker({"network", "rm", name + "-shared"});
      docker({"volume", "rm", name + "-shared"});
    } catch (...) {
      MESSAGE("something of " << name << " is left behind");
    }
  }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(dir / file, std::ios::binary) << text;
  }
  std::string read(const std::string& file) const {
    std::ostringstream text;
    text << std::ifstream(dir / file, std::ios::binary).rdbuf();
    return text.str();
  }
  static std::string inside(const std::string& container, const std::string& script) {
    return docker({"exec", container, "/bin/sh", "-c", script});
  }
  // All that carries a project's label, or its name.
  static std::string all_of(const std::string& project) {
    std::string all;
    for (const auto& [list, remove] : kinds) all += docker(with_filter(list, project));
    return all;
  }

  fusebox::test::TempDir dir;
  std::string name;
  std::string drill;
  int port;
  std::string image;

 private:
  using Words = std::vector<std::string>;
  static Words with_word(Words words, const std::string& word) {
    words.push_back(word);
    return words;
  }
  static Words with_filter(const Words& words, const std::string& project) {
    return with_word(with_word(words, "--filter"), "label=com.docker.compose.project=" + project);
  }
  static inline const std::vector<std::pair<Words, Words>> kinds = {
      {{"ps", "-aq"}, {"rm", "-fv"}},
      {{"network", "ls", "-q"}, {"network", "rm"}},
      {{"volume", "ls", "-q"}, {"volume", "rm"}}};
};

}  // namespace

TEST_CASE("a scratch stack comes up beside the live one, shares nothing with it, and goes whole") {
  World world;
  const std::string lock = world.read("versions.lock");
  Stack scratch(world.dir.path(), world.drill);
  scratch.run("pull", {{"services", {"db"}}});
  CHECK(world.read("versions.lock") == lock);

  Stack live(world.dir.path(), "");
  live.run("up", {{"services", {"web"}}, {"overlay", false}});
  const std::string live_db = world.name + "-db";
  CHECK(World::inside(live_db, "echo live > /data/mine; echo live > /shared/mine; cat /folder/*") ==
        "live");
  const auto running = [&] {  // other tests use the engine, too
    return docker({"ps", "-q", "--no-trunc", "--filter", "name=" + world.name});
  };
  const std::string before = running();

  CHECK(scratch.run("preflight").at("status") != "unhealthy");
  scratch.run("up", {{"services", {"web"}}});
  const std::string db = world.drill + "-db-1";
  CHECK(
      World::inside(db, "echo $A $B; cat /data/started; ls -A /data /shared /folder") ==
      fmt::format("pre-{0}-$x plain\npre-{0}-$x\n/data:\nstarted\n\n/folder:\n\n/shared:", canary));
  CHECK(World::inside(db, "cat /file; echo x 2>/dev/null > /file || echo no") ==
        "settings"
        "no");
  CHECK(docker({"inspect", "--format", "{{json .NetworkSettings.Networks}}", db})
            .find(world.name + "-shared") == std::string::npos);
  const std::string labels = docker({"inspect", "--format", "{{json .Config.Labels}}", db});
  CHECK(labels.find("proxy.rule") == std::string::npos);
  CHECK(labels.find("dev.orbstack.domains") == std::string::npos);
  CHECK(docker({"inspect", "--format", "{{.HostConfig.NetworkMode}}", world.drill + "-web-1"}) ==
        world.drill + "_default");

  const json::object place = scratch.endpoint(8080);
  CHECK(place.at("port").as_int64() != world.port);
  CHECK(docker({"port", db, "8080"}) == fmt::format("127.0.0.1:{}", place.at("port").as_int64()));
  CHECK(scratch.endpoint(world.port).at("port") == place.at("port"));
  CHECK(place.at("url").as_string() ==
        fmt::format("http://127.0.0.1:{}", place.at("port").as_int64()));
  CHECK(live.endpoint(8080).at("port") == world.port);
  CHECK(scratch.volumes().find(world.drill + "_data") != std::string::npos);
  CHECK(scratch.volumes().find(world.name + "-data") == std::string::npos);

  for (const auto& file : fs::recursive_directory_iterator(world.dir.path()))
    if (file.is_regular_file())
      CHECK(world.read(fs::relative(file.path(), world.dir.path()).string()).find(canary) ==
            std::string::npos);

  scratch.run("down", {{"volumes", true}});
  CHECK(World::all_of(world.drill) == "");
  CHECK(docker({"volume", "ls", "-q"}).find(world.drill) == std::string::npos);
  CHECK(running() == before);
  CHECK(World::inside(live_db, "cat /data/mine /shared/mine") == "live\nlive");
  CHECK(world.read("folder/precious") == "live");

  scratch.run("up", {{"services", {"db"}}});
  scratch.undo("up");
  CHECK(World::all_of(world.drill) == "");
  CHECK(running() == before);
  live.run("down", {{"volumes", true}});
}
