// SPDX-License-Identifier: Apache-2.0
#include "common/compose/cli.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <functional>

#include "common/compose/model.hpp"
#include "common/compose/project.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

using namespace fbx::compose;
using fusebox::test::FakeHost;
using Process = FakeHost::Process;

namespace {

// A stack's folder, a host, and a stand-in for the docker command.
struct Stage {
  Stage() {
    settings.project = "prod";
    settings.project_dir = dir.path();
    settings.config_dir = dir.path();
    settings.state_dir = dir / "state";
    settings.files = {dir / "docker-compose.yml"};
    settings.versions = dir / "versions.lock";
    settings.environment = {{"SALT", {{"$secret", "SALT"}}}, {"PLAIN", "text"}};
    write("docker-compose.yml", "services: {}\n");
    write("versions.lock", "WEB_IMAGE=web:1\n");
    host.run_process = [this](std::string_view request, std::string_view in) {
      input = in;
      requests.push_back(json::parse(request).as_object());
      const std::string words = line(requests.back());
      for (const auto& [part, answer] : answers)
        if (words.find(part) != std::string::npos) return answer;
      return Process{};
    };
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir / name) << text;
  }
  static std::string line(const json::object& request) {
    std::string words;
    for (const json::value& word : request.at("command").as_array())
      words += std::string(word.as_string()) + " ";
    return words;
  }
  Cli cli() { return {op, settings, {}}; }
  bool unsets(std::string_view name) const {
    for (const json::value& item : requests.back().at("unset").as_array())
      if (item.as_string() == name) return true;
    return false;
  }

  fusebox::test::TempDir dir;
  Settings settings;
  FakeHost host;
  fbx_op raw{&host, {}};
  fbx::Op op{&fusebox::test::fake::table, &raw};
  std::vector<std::pair<std::string, Process>> answers = {
      {"docker compose version", {FBX_OK, 0, "2.40.3\n", ""}}};
  std::vector<json::object> requests;
  std::string input;  // of the last
};

fbx::Error failure(const std::function<void()>& body) {
  try {
    body();
  } catch (const fbx::Error& error) {
    return error;
  }
  FAIL("it did not fail");
  return {FBX_OK, ""};
}

}  // namespace

TEST_CASE("the Compose plugin is found, or else the program docker-compose") {
  Stage stage;
  CHECK(stage.cli().program().command == std::vector<std::string>{"docker", "compose"});
  stage.answers = {
      {"docker compose version", {FBX_OK, 1, "", "docker: 'compose' is not a docker command."}},
      {"docker-compose version", {FBX_OK, 0, "v2.26.1\n", ""}}};
  CHECK(stage.cli().program().command == std::vector<std::string>{"docker-compose"});
}

TEST_CASE("without Compose, or with one that is too old, it says so and what is needed") {
  Stage stage;
  stage.answers = {{"version", {FBX_NOT_FOUND, 0, "", ""}}};
  auto error = failure([&] { stage.cli().program(); });
  CHECK(error.rc() == FBX_NOT_FOUND);
  CHECK(std::string(error.what()).find("2.20 or newer is needed") != std::string::npos);
  stage.answers = {{"docker compose version", {FBX_OK, 0, "2.17.3\n", ""}},
                   {"docker-compose version", {FBX_OK, 0, "1.29.2\n", ""}}};
  error = failure([&] { stage.cli().program(); });
  CHECK(error.rc() == FBX_UNSUPPORTED);
  CHECK(
      std::string(error.what()) ==
      "docker compose is 2.17.3 and docker-compose is 1.29.2, but Compose 2.20 or newer is needed");
}

TEST_CASE("D03 every call names project, folder and files") {
  Stage stage;
  stage.cli().effect({"up", "--detach"}, Values::secrets);
  const std::string words = Stage::line(stage.requests.back());
  const std::string folder = stage.dir.path().string();
  CHECK(words == "docker compose --ansi never --project-name prod --project-directory " + folder +
                     " --file " + folder + "/docker-compose.yml --env-file " + folder +
                     "/versions.lock up --detach ");
  for (const char* name : {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"})
    CHECK(stage.unsets(name));
}

TEST_CASE("D21 a secret goes as a handle into the child's environment, and a question gets none") {
  Stage stage;
  stage.host.secrets["SALT"] = "canary-91ab-value";
  stage.settings.environment["URL"] = json::object{{"$template", "db://${secret:SALT}@h"}};
  stage.cli().effect({"up"}, Values::secrets);
  const auto& given = stage.requests.back().at("environment").as_object();
  CHECK(given.at("SALT") == json::value{{"$secret", "SALT"}});
  CHECK(given.at("URL") == json::value{{"$template", "db://${secret:SALT}@h"}});
  CHECK(given.at("PLAIN").as_string() == "text");
  stage.cli().ask({"config"}, Values::placeholders);
  const auto& asked = stage.requests.back().at("environment").as_object();
  CHECK(asked.at("SALT").as_string().starts_with("fusebox"));
  CHECK(asked.at("URL").as_string().starts_with("fusebox"));
  for (const json::object& request : stage.requests)
    CHECK(json::serialize(request).find("canary") == std::string::npos);
}

TEST_CASE("a scratch is piped to Compose, with variables where the secrets belong") {
  Stage stage;
  stage.host.secrets["SALT"] = "canary-91ab-value";
  stage.settings.project = "prod-drill";
  stage.settings.live_project = "prod";
  stage.settings.environment["URL"] = json::object{{"$template", "db://${secret:SALT}@h"}};
  stage.cli().ask({"config"}, Values::placeholders);
  const auto word = [&](const char* name) {
    return std::string(stage.requests.back().at("environment").at(name).as_string());
  };
  REQUIRE(word("SALT") != word("URL"));
  stage.answers.emplace_back(
      " config ", Process{FBX_OK, 0,
                          R"({"services":{"db":{"container_name":"db","command":["$$HOME"],)"
                          R"("environment":{"A":"pre)" +
                              word("SALT") + word("URL") + R"("}}}})",
                          ""});
  stage.cli().effect({"up"}, Values::secrets);
  CHECK(stage.input.find(R"("A":"pre${SALT}${URL}")") != std::string::npos);
  CHECK(stage.input.find(R"(["$$HOME"])") != std::string::npos);
  CHECK(stage.input.find("container_name") == std::string::npos);
  const std::string words = Stage::line(stage.requests.back());
  CHECK(words.find("--project-name prod-drill ") != std::string::npos);
  CHECK(words.find("--file - ") != std::string::npos);
  CHECK(words.find("docker-compose.yml") == std::string::npos);
  CHECK(stage.requests.back().at("environment").at("SALT") == json::value{{"$secret", "SALT"}});
}

TEST_CASE("D16 an exported version does not win over the lock file") {
  Stage stage;
  stage.cli().effect({"up"}, Values::secrets);
  CHECK(stage.unsets("WEB_IMAGE"));
}

TEST_CASE("with a versions file the folder's .env still counts, before it") {
  Stage stage;
  stage.write(".env", "A=b\n");
  const auto words = stage.cli().global_arguments(stage.settings.files);
  const auto env = std::find(words.begin(), words.end(), (stage.dir / ".env").string());
  const auto lock = std::find(words.begin(), words.end(), (stage.dir / "versions.lock").string());
  CHECK(env < lock);
  CHECK(lock != words.end());
  stage.settings.versions.reset();
  const auto bare = stage.cli().global_arguments(stage.settings.files);
  CHECK(std::find(bare.begin(), bare.end(), "--env-file") == bare.end());
}

TEST_CASE("D15 a command that fails is a failure, with Compose's own reason") {
  Stage stage;
  stage.answers.emplace_back(
      " up ", Process{FBX_OK, 1,
                      " Container prod-db-1  Starting\n Container prod-db-1  Error\n"
                      "dependency failed to start: container prod-db-1 is unhealthy\n",
                      ""});
  const auto error = failure([&] { stage.cli().effect({"up"}, Values::secrets); });
  CHECK(error.rc() == FBX_FAILED);
  CHECK(std::string(error.what()) ==
        "docker compose up: dependency failed to start: container prod-db-1 is unhealthy");
}

TEST_CASE("what Compose warns about reaches the log, and its chatter does not") {
  Stage stage;
  stage.answers.emplace_back(" up ",
                             Process{FBX_OK, 0,
                                     " Container prod-db-1  Started\n"
                                     "time=\"x\" level=warning msg=\"volume is old\"\nnoise\n",
                                     ""});
  stage.cli().effect({"up"}, Values::secrets);
  CHECK(stage.host.log == std::vector<std::string>{"warn: volume is old", "debug: noise"});
}

TEST_CASE("D36 variables without a value are found, and refused unless the settings allow them") {
  Stage stage;
  stage.answers.emplace_back(
      " config ",
      Process{
          FBX_OK, 0, R"({"name":"prod","services":{"web":{"image":"web:1"}}})",
          "time=\"x\" level=warning msg=\"The \\\"SALT\\\" variable is not set. Defaulting to a "
          "blank string.\"\n"});
  Cli cli = stage.cli();
  const LoadedModel loaded = load_model(cli);
  CHECK(loaded.unset == std::vector<std::string>{"SALT"});
  const auto error = failure([&] { refuse_unset(stage.settings, loaded); });
  CHECK(error.rc() == FBX_CONFIG);
  CHECK(std::string(error.what()).find("SALT, which has no value") != std::string::npos);
  stage.settings.refuse_unset = false;
  refuse_unset(stage.settings, loaded);
}

TEST_CASE("the model is kept, without a process, until a file that it came from changes") {
  Stage stage;
  stage.answers.emplace_back(
      " config ",
      Process{FBX_OK, 0, R"({"name":"prod","services":{"web":{"image":"web:1"}}})", ""});
  CHECK_FALSE(kept_model(stage.settings));
  Cli cli = stage.cli();
  load_model(cli);
  const std::size_t asked = stage.requests.size();
  REQUIRE(kept_model(stage.settings));
  CHECK(kept_model(stage.settings)->find("web")->image == "web:1");
  CHECK(stage.requests.size() == asked);
  stage.write("versions.lock", "WEB_IMAGE=web:2.0\n");
  CHECK_FALSE(kept_model(stage.settings));
  CHECK(last_model(stage.settings));
  stage.write("versions.lock", "WEB_IMAGE=web:1\n");
}
