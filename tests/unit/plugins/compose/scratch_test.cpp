// SPDX-License-Identifier: Apache-2.0
#include "common/compose/scratch.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <string>

#include "common/compose/model.hpp"
#include "support/temp_dir.hpp"

using namespace fbx::compose;
namespace json = boost::json;

namespace {

const json::object& service(const Scratch& scratch, const char* name) {
  return scratch.config.at("services").at(name).as_object();
}

Scratch make(const std::string& text) {
  return as_scratch(json::parse(text).as_object(), "drill", "prod");
}

}  // namespace

TEST_CASE("a scratch has its own volumes and networks, whatever the files fix or share") {
  const Scratch scratch = make(R"({"name":"drill","services":{"db":{"image":"db:1",
      "networks":{"front":{"ipv4_address":"10.9.9.9","aliases":["sql"]},"default":null}}},
    "volumes":{"data":{"name":"prod_data"},"shared":{"name":"shared","external":true},
      "disk":{"name":"x","driver":"local","driver_opts":{"type":"none","o":"bind","device":"/srv"}},
      "plain":null},
    "networks":{"front":{"name":"front","external":true,"ipam":{}},
      "back":{"name":"back","internal":true,"driver_opts":{"com.docker.network.bridge.name":"b0"}}}})");
  CHECK(scratch.config.at("volumes") ==
        json::parse(R"({"data":{"name":"drill_data"},"shared":{"name":"drill_shared"},
          "disk":{"name":"drill_disk"},"plain":{"name":"drill_plain"}})"));
  CHECK(scratch.config.at("networks") == json::parse(R"({"front":{"name":"drill_front"},
          "back":{"name":"drill_back","internal":true}})"));
  CHECK(service(scratch, "db").at("networks") ==
        json::parse(R"({"front":{"aliases":["sql"]},"default":null})"));
  CHECK(scratch.notes.empty());
}

TEST_CASE("a scratch takes no port, name, address or label of the live project") {
  const Scratch scratch = make(R"({"services":{
    "web":{"image":"web:1","container_name":"web","mac_address":"02:42:ac:11:00:03",
      "external_links":["other"],"network_mode":"host",
      "labels":{"dev.orbstack.domains":"a.local","dev.orbstack.http-port":"3000",
        "traefik.http.routers.web.rule":"a"},
      "ports":[{"mode":"host","host_ip":"0.0.0.0","target":3000,"published":"80","protocol":"tcp"},
        {"target":3000,"published":"81","protocol":"tcp"},
        {"target":53,"published":"53","protocol":"udp"},{"target":9}]
}
, "made" : { "build" : {"context" : "/src"}, "network_mode" : "service:web" }
}
})");
  const json::object& web = service(scratch, "web");
  for (const char* gone : {"container_name", "mac_address", "external_links", "network_mode"})
    CHECK_FALSE(web.contains(gone));
  CHECK(web.at("labels") == json::parse(R"({"dev.orbstack.http-port":"3000"})"));
  const std::string ports = json::serialize(web.at("ports"));
  CHECK(web.at("ports").as_array().size() == 3);
  CHECK(ports.find("\"published\"") == std::string::npos);
  for (const json::value& port : web.at("ports").as_array())
    CHECK(port.at("host_ip") == "127.0.0.1");
  CHECK(model_from(scratch.config).find("web")->ports.at(0).published == "80");
  CHECK(service(scratch, "made").at("image") == "prod-made");
  CHECK(service(scratch, "made").at("network_mode") == "service:web");
  CHECK_FALSE(service(scratch, "made").contains("build"));
  CHECK(scratch.notes.size() == 1);
}

TEST_CASE("a scratch writes to no folder of the machine, and has no socket of it") {
  const fusebox::test::TempDir dir;
  std::ofstream(dir / "file") << "settings";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir / "s";
  REQUIRE(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const auto bind = [&](const std::string& source, const char* target, bool read_only) {
    return json::object{
        {"type", "bind"}, {"source", source}, {"target", target}, {"read_only", read_only}};
  };
  const json::array mounts{bind(dir.path(), "/data", false), bind(dir.path(), "/conf", true),
                           bind(dir / "file", "/file", false), bind(path, "/sock", true),
                           json::object{{"type", "tmpfs"}, {"target", "/tmp"}}};
  const Scratch scratch = as_scratch(
      {{"services",
        {{"db",
          {{"volumes", mounts}, {"volumes_from", json::array{"web:ro", "container:other"}}}}}}},
      "drill", "prod");
  ::close(listener);
  const json::object& db = service(scratch, "db");
  const json::array& own = db.at("volumes").as_array();
  REQUIRE(own.size() == 4);
  CHECK(own.at(0) == json::parse(R"({"type":"volume","source":"db-folder-0","target":"/data"})"));
  CHECK(own.at(1) == mounts.at(1));
  CHECK(own.at(2).at("read_only") == true);
  CHECK(own.at(3) == mounts.at(4));
  CHECK(scratch.config.at("volumes") ==
        json::parse(R"({"db-folder-0":{"name":"drill_db-folder-0"}})"));
  CHECK(db.at("volumes_from") == json::array{"web:ro"});
  CHECK(scratch.notes.size() == 2);
}
