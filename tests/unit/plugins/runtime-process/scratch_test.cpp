// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/scratch.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fusebox/plugin.hpp>
#include <set>

#include "runtime-process/sys.hpp"
#include "support/temp_dir.hpp"

namespace json = boost::json;
using namespace runtime_process;

namespace {

class World {
 public:
  World() {
    services_ = {
        {"db",
         {{"command", {"sleep", "${port}"}},
          {"ports", {{"db", {{"port", 25432}, {"target", 5432}}}, {"admin", {{"port", 25433}}}}}}},
        {"web", {{"command", {"sleep", "60"}}, {"ports", {{"http", {{"port", 23000}}}}}}}};
  }

  Settings settings(const std::string& scratch = "test-drill", const std::string& data = "/data") {
    json::object context{{"stack", "test"},
                         {"instance", "runtime"},
                         {"config_dir", "/conf"},
                         {"state_dir", (dir_ / "state").string()},
                         {"config", json::object{{"data_dir", data}, {"services", services_}}}};
    if (!scratch.empty()) context["scratch"] = scratch;
    return read_settings(json::serialize(context));
  }

  // What `web` is refused for when it has this setting; "" when it is not.
  std::string refusal(const char* key, json::value value, const std::string& scratch) {
    const json::value before = services_["web"];
    services_["web"].as_object()[key] = std::move(value);
    const Settings read = settings(scratch);
    services_["web"] = before;
    try {
      resolve(read, read.service("web"));
      return "";
    } catch (const fbx::Error& e) {
      CHECK(e.rc() == FBX_CONFIG);
      return e.what();
    }
  }

  fs::path state() const { return dir_ / "state"; }
  json::object& service(const char* name) { return services_[name].as_object(); }

 private:
  fusebox::test::TempDir dir_;
  json::object services_;
};

std::vector<int> ports_of(const Settings& settings) {
  std::vector<int> ports;
  for (const Service& service : settings.services)
    for (const Port& port : service.ports) ports.push_back(port.number);
  return ports;
}

Fd listen_on(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

}  // namespace

TEST_CASE("a scratch stack has a name, folders and ports of its own, whatever the config says") {
  World world;
  const Settings live = world.settings("");
  const Settings scratch = world.settings();
  CHECK(scratch.stack == "test-drill");
  CHECK(scratch.data_dir == "/data/.scratch/test-drill");
  CHECK(scratch.state_dir == world.state() / "scratch/test-drill");
  CHECK(world.settings("test-drill", "").data_dir != world.settings("", "").data_dir);
  const auto chosen = ports_of(scratch);
  const std::set<int> distinct(chosen.begin(), chosen.end());
  CHECK(distinct.size() == 3);
  for (const int port : ports_of(live)) CHECK(!distinct.contains(port));
  // Clients go on asking for the number that they know.
  CHECK(scratch.service("web").ports.at(0).target == 23000);
  for (const Port& port : scratch.service("db").ports)
    CHECK(port.target == (port.name == "db" ? 5432 : 25433));
  CHECK(!fs::exists(world.state()));  // choosing leaves nothing
}

TEST_CASE("a scratch stack keeps its ports, but for those that somebody else has taken") {
  World world;
  const Settings first = world.settings();
  keep_scratch_ports(first);
  CHECK(ports_of(world.settings()) == ports_of(first));
  CHECK(ports_of(world.settings("other")) != ports_of(first));
  {
    const Fd thief = listen_on(first.service("web").ports.at(0).number);
    const Settings second = world.settings();
    CHECK(second.service("web").ports.at(0).number != first.service("web").ports.at(0).number);
    CHECK(second.service("db").ports.at(0).number == first.service("db").ports.at(0).number);
  }
  CHECK(ports_of(world.settings()) == ports_of(first));
  forget_scratch_ports(first);
  CHECK(!fs::exists(first.state_dir / "ports.json"));
}

TEST_CASE("what runs in a scratch stack must not name a port of the live one") {
  World world;
  const std::string must_not =
      "port 25432, which is the live stack's: test-drill must not reach it";
  const std::string url = "postgres://127.0.0.1:25432/db";
  CHECK(world.refusal("environment", {{"URL", url}}, "test-drill") ==
        "service web: its environment's URL names " + must_not);
  CHECK(world.refusal("command", {"sleep", "--port=25432"}, "test-drill") ==
        "service web: its command names " + must_not);
  CHECK(world.refusal("stdin", "port 25432\n", "test-drill") ==
        "service web: its stdin names " + must_not);
  CHECK(world.refusal("ready", {{"http", "http://127.0.0.1:25432/"}}, "test-drill") ==
        "service web: its ready check names " + must_not);
  CHECK(world.refusal("command", {"sleep", "125432", "254321", "x25432"}, "test-drill") == "");
  CHECK(world.refusal("environment", {{"URL", url}}, "") == "");
}

TEST_CASE("a service may name another one's port") {
  World world;
  world.service("web")["environment"] = {{"URL", "postgres://127.0.0.1:${port:db.db}/db"}};
  CHECK(resolve(world.settings(""), world.settings("").service("web")).environment.at("URL") ==
        "postgres://127.0.0.1:25432/db");
  const Settings scratch = world.settings();
  std::string number;
  for (const Port& port : scratch.service("db").ports)
    if (port.name == "db") number = std::to_string(port.number);
  CHECK(resolve(scratch, scratch.service("web")).environment.at("URL") ==
        "postgres://127.0.0.1:" + number + "/db");
  CHECK(world.refusal("command", {"sleep", "${port:db.nothing}"}, "") ==
        "service web: unknown reference ${port:db.nothing}");
}
