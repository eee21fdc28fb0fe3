// SPDX-License-Identifier: Apache-2.0
#include "common/compose/model.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>
#include <fusebox/plugin.hpp>

#include "common/compose/project.hpp"
#include "common/json.hpp"

using namespace fbx::compose;

namespace {

constexpr const char* config = R"({
  "name": "langfuse",
  "services": {
    "langfuse-web": {
      "image": "docker.langfuse.com/langfuse/langfuse:4.16.0",
      "environment": {"SALT": "canary-7c1f-value"},
      "depends_on": {"postgres": {"condition": "service_healthy", "required": true}},
      "ports": [{"mode": "ingress", "host_ip": "127.0.0.1", "target": 3000, "published": "3000", "protocol": "tcp"}],
      "labels": {"dev.orbstack.domains": "langfuse.local", "secret.label": "canary-7c1f-value"}
    },
    "langfuse-worker": {"image": "docker.langfuse.com/langfuse/langfuse-worker:4.15.0"},
    "postgres": {
      "image": "docker.io/library/postgres:17.11",
      "healthcheck": {"test": ["CMD", "pg_isready"]},
      "volumes": [{"type": "volume", "source": "data", "target": "/var/lib/postgresql/data", "volume": {}}],
      "restart": "unless-stopped", "user": "101:101"
    }
  },
  "volumes": {"data": {"name": "langfuse_data"}, "old": {"name": "shared", "external": true}},
  "networks": {"default": {"name": "langfuse_default"}}
})";

Model read(std::string_view text) { return read_model(fbx::common::parse_object(text, "it")); }

}  // namespace

TEST_CASE("the model holds what the files say, and no value of an environment") {
  const Model model = read(config);
  CHECK(model.project == "langfuse");
  const ServiceModel& web = *model.find("langfuse-web");
  CHECK(web.ports.at(0).target == 3000);
  CHECK(web.ports.at(0).published == "3000");
  CHECK_FALSE(web.has_check);
  CHECK(web.depends_on.at("postgres") == "service_healthy");
  CHECK(model.find("postgres")->has_check);
  CHECK(model.find("postgres")->user == "101:101");
  CHECK(model.volumes.at("data").name == "langfuse_data");
  CHECK(model.volumes.at("old").external);
  const std::string kept = boost::json::serialize(to_json(model));
  CHECK(kept.find("canary-7c1f") == std::string::npos);
  CHECK(boost::json::serialize(to_json(model_from(to_json(model)))) == kept);
}

TEST_CASE("D03 a configuration without a service is an error: something else was read") {
  for (const char* text : {R"({"name":"compose","services":{}})", R"({"name":"compose"})"}) {
    try {
      read(text);
      FAIL("it was read");
    } catch (const fbx::Error& error) {
      CHECK(error.rc() == FBX_CONFIG);
      CHECK(std::string(error.what()).find("\"compose\" have no service") != std::string::npos);
    }
  }
}

TEST_CASE(
    "a service brings along what it depends on; an unknown one is named with those there are") {
  const Model model = read(config);
  CHECK(model.with_dependencies({"langfuse-web"}) ==
        std::vector<std::string>{"langfuse-web", "postgres"});
  CHECK(model.with_dependencies({}).size() == 3);
  try {
    model.with_dependencies({"webb"});
    FAIL("it was found");
  } catch (const fbx::Error& error) {
    CHECK(error.rc() == FBX_NOT_FOUND);
    CHECK(error.hint().find("langfuse-web") != std::string::npos);
  }
}

TEST_CASE("D17 services that must have one version are compared by their tags") {
  Settings settings;
  settings.same_version = {{"langfuse-web", "langfuse-worker"}};
  Model model = read(config);
  CHECK(version_skew(settings, model) ==
        "services that must run one version do not: langfuse-worker has 4.15.0, langfuse-web has "
        "4.16.0");
  model.services[1].image = "docker.langfuse.com/langfuse/langfuse-worker:4.16.0@sha256:abc";
  CHECK(version_skew(settings, model).empty());
}

TEST_CASE("an image has one name, however it is written") {
  CHECK(same_image("docker.io/library/redis:7", "redis:7"));
  CHECK(same_image("redis", "docker.io/redis:latest"));
  CHECK_FALSE(same_image("redis:7", "redis:7.2"));
  CHECK_FALSE(same_image("redis:7", "redis:7@sha256:abc"));
}
