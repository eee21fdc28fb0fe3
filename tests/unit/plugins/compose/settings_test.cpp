// SPDX-License-Identifier: Apache-2.0
#include "common/compose/settings.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "common/compose/applied.hpp"
#include "common/compose/lock_file.hpp"
#include "support/temp_dir.hpp"

using namespace fbx::compose;
namespace common = fbx::common;

namespace {

common::Context context_in(const fs::path& folder, json::object config = {}) {
  common::Context context;
  context.stack = "langfuse-prod";
  context.config_dir = folder.string();
  context.state_dir = (folder / "state").string();
  context.config = std::move(config);
  return context;
}

}  // namespace

TEST_CASE("without settings, the project is the stack and the files are what Compose would take") {
  const fusebox::test::TempDir dir;
  std::ofstream(dir / "compose.yml") << "services: {}\n";
  std::ofstream(dir / "docker-compose.yml") << "services: {}\n";
  const Settings settings = read_settings(context_in(dir.path()));
  CHECK(settings.project == "langfuse-prod");
  CHECK(settings.files == std::vector<fs::path>{dir / "compose.yml"});
  CHECK(settings.project_dir == dir.path());
  CHECK_FALSE(settings.versions);
  CHECK(settings.refuse_unset);
}

TEST_CASE("a name that Compose would refuse is refused here, with the rule") {
  CHECK_THROWS_AS(read_settings(context_in("/", {{"project", "Prod.1"}})), fbx::Error);
  for (const char* name : {"a", "0-a_b"}) CHECK(is_project_name(name));
  for (const char* name : {"", "-a", "_a", "A", "a.b", "a b"}) CHECK_FALSE(is_project_name(name));
}

TEST_CASE("a scratch is named apart from the live project, and has no overlay") {
  common::Context context =
      context_in("/", {{"project", "prod"}, {"overlay", json::array{"/backup.yml"}}});
  CHECK(uses_overlay(read_settings(context)));
  context.scratch = "langfuse-prod-drill";
  const Settings settings = read_settings(context);
  CHECK(settings.project == "langfuse-prod-drill");
  CHECK(settings.live_project == "prod");
  CHECK(settings.is_scratch());
  CHECK_FALSE(uses_overlay(with_overlay(settings, true)));
  for (const char* bad : {"prod", "Drill"}) {
    context.scratch = bad;
    CHECK_THROWS_AS(read_settings(context), fbx::Error);
  }
}

TEST_CASE("the secrets of the environment are known by name, in handles and in templates") {
  const Settings settings = read_settings(
      context_in("/", {{"environment", json::object{{"A", json::object{{"$secret", "ONE"}}},
                                                    {"B", "x:${secret:TWO}@${secret:ONE}"},
                                                    {"C", "plain ${X}"}}}}));
  CHECK(settings.secrets() == std::vector<std::string>{"ONE", "TWO"});
  CHECK(settings.environment.at("C").as_string() == "plain ${X}");
}

TEST_CASE("the Compose files that a service came up with are kept for undo, once they change") {
  const fusebox::test::TempDir dir;
  const fs::path file = dir / "compose.yml";
  std::ofstream(file) << "first\n";
  const Settings settings = read_settings(context_in(dir.path()));
  Applied(settings).note({"web"});
  const std::string key = Applied(settings).of("web");
  CHECK_FALSE(key.empty());
  CHECK(Applied(settings).files(key).empty());  // they are today's
  std::ofstream(file) << "second\n";
  const auto kept = Applied(settings).files(key);
  REQUIRE(kept.size() == 1);
  CHECK(read_text(kept[0]) == "first\n");
  Applied(settings).note("web", "");
  CHECK(Applied(settings).of("web").empty());
}
