// SPDX-License-Identifier: Apache-2.0
#include "runtime-process/settings.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json.hpp>
#include <fusebox/plugin.hpp>

#include "runtime-process/definition.hpp"
#include "runtime-process/record.hpp"

namespace json = boost::json;
using namespace runtime_process;

namespace {

json::object sleeper(json::object more = {}) {
  json::object service{{"command", {"sleep", "60"}}};
  for (const auto& member : more) service[member.key()] = member.value();
  return service;
}

Settings settings_of(json::object services) {
  return read_settings(json::serialize(json::object{
      {"stack", "test"},
      {"instance", "runtime"},
      {"config_dir", "/conf"},
      {"state_dir", "/state"},
      {"config", json::object{{"data_dir", "/data"}, {"services", std::move(services)}}}}));
}

std::string refusal(json::object services) {
  try {
    settings_of(std::move(services));
    return "accepted";
  } catch (const fbx::Error& e) {
    CHECK(e.rc() == FBX_CONFIG);
    return e.what();
  }
}

}  // namespace

TEST_CASE("services are put in the order of their dependencies") {
  const Settings settings = settings_of({{"web", sleeper({{"depends_on", {"db", "cache"}}})},
                                         {"cache", sleeper({{"depends_on", {"db"}}})},
                                         {"off", sleeper({{"enabled", false}})},
                                         {"db", sleeper()}});
  std::vector<std::string> names;
  for (const Service& service : settings.services) names.push_back(service.name);
  CHECK(names == std::vector<std::string>{"db", "cache", "web"});
  CHECK_THROWS_WITH(settings.service("dbb"), "there is no service \"dbb\"");
}

TEST_CASE("what the schema cannot tell is refused with its reason") {
  CHECK(
      refusal({{"a", sleeper({{"depends_on", {"b"}}})}, {"b", sleeper({{"depends_on", {"a"}}})}}) ==
      "service a: its depends_on goes in a circle");
  CHECK(refusal({{"a", sleeper({{"depends_on", {"b"}}})}}) ==
        "service a: it depends on \"b\", which is not there");
  CHECK(refusal({{"a", {{"command", {"x", "--password=${secret:P}"}}}}}) ==
        "service a: a secret in `command` would be seen by everybody on this machine");
  CHECK(refusal({{"a", sleeper({{"ready", {{"tcp", "http"}}}})}}) ==
        "service a: there is no port \"http\" in its ports");
  CHECK(refusal({{"a", sleeper({{"ready", {{"http", "http://x"}, {"command", {"true"}}}}})}}) ==
        "service a: ready has more than one check");
  CHECK(refusal({{"a", sleeper({{"files", {{"../x", "/etc/passwd"}}}})}}) ==
        "service a: \"../x\" is no plain file name");
  CHECK(refusal({{"../a", sleeper()}}) == "service ../a: this is no usable name");
}

TEST_CASE("the main port is the one that is named, or named like the service, or the first") {
  Service service;
  service.name = "db";
  CHECK(main_port(service) == nullptr);
  service.ports = {{"admin", "", 1, 0, ""}, {"db", "", 2, 0, ""}, {"other", "", 3, 0, ""}};
  CHECK(main_port(service)->number == 2);
  service.main_port = "other";
  CHECK(main_port(service)->number == 3);
  service.name = "x";
  service.main_port.clear();
  CHECK(main_port(service)->number == 1);
}

TEST_CASE("a definition expands references, finds the program, and keeps secrets as references") {
  const Settings settings =
      settings_of({{"a",
                    {{"command", {"sleep", "${port}", "${data}"}},
                     {"ports", {{"a", {{"port", 4711}}}}},
                     {"environment", {{"P", "${secret:NAME}"}, {"Q", {{"$secret", "OTHER"}}}}},
                     {"stdin", "dir ${run}\npass ${sha256:${secret:NAME}}"}}}});
  const Definition d = resolve(settings, settings.services[0]);
  CHECK(d.command.at(0).ends_with("/sleep"));
  CHECK(d.command.at(1) == "4711");
  CHECK(d.command.at(2) == "/data/a");
  CHECK(d.environment.at("P") == "${secret:NAME}");
  CHECK(d.environment.at("Q") == "${secret:OTHER}");
  CHECK(d.stdin_text == "dir /data/.run/a\npass ${sha256:${secret:NAME}}");
}

TEST_CASE("a definition does not take over the environment of fusebox") {
  ::setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops_x", 1);
  const Settings settings = settings_of({{"a", sleeper()}});
  const Definition d = resolve(settings, settings.services[0]);
  CHECK(!d.environment.contains("OP_SERVICE_ACCOUNT_TOKEN"));
  CHECK(d.environment.contains("PATH"));
}

TEST_CASE("a record survives being written and read") {
  const Settings settings = settings_of(
      {{"a", sleeper({{"ports", {{"a", {{"port", 4711}, {"target", 5}, {"scheme", "http"}}}}},
                      {"stdin", "x"},
                      {"ready", {{"tcp", "a"}, {"timeout", 1500}}}})}});
  Record record;
  record.run = "r1";
  record.definition = resolve(settings, settings.services[0]);
  record.hash = record.definition.hash();
  record.process = {42, 4711};
  record.exit_code = 3;
  const Record again = record_from_json(to_json(record));
  CHECK(to_json(again) == to_json(record));
  CHECK(again.definition.hash() == record.hash);
}

TEST_CASE("a program that is not installed is named, with what to do") {
  const Settings settings = settings_of({{"a", {{"command", {"no-such-program-anywhere"}}}}});
  try {
    resolve(settings, settings.services[0]);
    FAIL("found it");
  } catch (const fbx::Error& e) {
    CHECK(e.rc() == FBX_NOT_FOUND);
    CHECK(std::string(e.what()) ==
          "service a: program \"no-such-program-anywhere\" is not installed");
    CHECK(e.hint().find("path") != std::string::npos);
  }
}
