// SPDX-License-Identifier: Apache-2.0
// `fusebox init`, and stacks that need no clone of the project.
#include "e2e/harness.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>

namespace fs = std::filesystem;
namespace json = boost::json;
using fusebox::test::CallOptions;
using fusebox::test::Ended;
using fusebox::test::Sandbox;

namespace {

void expect(const Ended& ended, int exit_code, std::string_view part = {}) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
  CHECK((ended.out + ended.err).find(part) != std::string::npos);
}

json::object only_line(const Ended& ended) {
  INFO(ended.all());
  const auto lines = ended.lines();
  REQUIRE(lines.size() == 1);
  return lines.front();
}

std::set<std::string> states(const json::object& answer) {
  std::set<std::string> found;
  for (const auto& file : answer.at("files").as_array())
    found.emplace(file.at("state").as_string());
  return found;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

CallOptions in(const fs::path& folder) {
  CallOptions options;
  options.cwd = folder;
  return options;
}

// What `cmake --install` makes of this build, in a folder of its own.
struct Installed {
  Installed() {
    expect(box.program({FUSEBOX_CMAKE, "--install", FUSEBOX_BUILD, "--prefix", prefix.string()}),
           0);
  }
  Ended fusebox(std::vector<std::string> args, const fs::path& cwd) const {
    args.insert(args.begin(), (prefix / "bin/fusebox").string());
    return box.program(args, in(cwd));
  }
  Sandbox box;
  fs::path prefix = box / "prefix";
};

}  // namespace

TEST_CASE("init lists its presets, and says which there are for a wrong one") {
  const Sandbox box;
  const auto answer = only_line(box.fusebox({"init", "--list", "--json"}));
  std::set<std::string> names;
  for (const auto& preset : answer.at("presets").as_array()) {
    names.emplace(preset.at("name").as_string());
    CHECK_FALSE(preset.at("summary").as_string().empty());
  }
  CHECK(names == std::set<std::string>{"demo", "langfuse", "langfuse-docker"});
  expect(box.fusebox({"init"}), 2, "--preset is one of demo, langfuse, langfuse-docker");
  expect(box.fusebox({"init", "--preset", "lang"}), 2, "there is no preset \"lang\"");
}

TEST_CASE("init writes a stack's folder once, and changes nothing the second time") {
  const Sandbox box;
  const auto first = box.fusebox({"init", "My Stack", "--preset", "demo"});
  expect(first, 0, "What next");
  CHECK(first.out.find(fmt::format("cd '{}'", (box / "My Stack").string())) != std::string::npos);
  CHECK(fs::exists(box / "My Stack/fusebox.toml"));
  CHECK(fs::exists(box / "My Stack/.gitignore"));
  CHECK(fs::exists(box / "My Stack/.pre-commit-config.yaml"));
  const auto again = only_line(box.fusebox({"init", "My Stack", "--preset", "demo", "--json"}));
  CHECK(states(again) == std::set<std::string>{"unchanged"});
  CHECK(again.at("stack") == "my-stack");
  for (const auto& entry : fs::recursive_directory_iterator(box / "My Stack"))
    CHECK(entry.path().extension() != ".tmp");
}

TEST_CASE("init with --dry-run writes nothing, not even the folder") {
  const Sandbox box;
  const auto answer =
      only_line(box.fusebox({"init", "new", "--preset", "langfuse", "--dry-run", "--json"}));
  CHECK(states(answer) == std::set<std::string>{"would_write"});
  CHECK_FALSE(fs::exists(box / "new"));
}

TEST_CASE("init keeps what is there") {
  const Sandbox box;
  SUBCASE("a file of its own") {
    box.write("repo/.gitignore", "mine\n");
    expect(box.fusebox({"init", "repo", "--preset", "demo"}), 0, "kept        .gitignore");
    CHECK(fusebox::test::slurp(box / "repo/.gitignore") == "mine\n");
  }
  SUBCASE("a link that leads nowhere") {
    fs::create_directories(box / "repo");
    fs::create_symlink(box / "elsewhere", box / "repo/.gitignore");
    expect(box.fusebox({"init", "repo", "--preset", "demo"}), 0, "kept");
    CHECK_FALSE(fs::exists(box / "elsewhere"));
  }
  SUBCASE("another stack, as a whole") {
    box.write("repo/fusebox.toml", "[stack]\nname = \"other\"\n");
    expect(box.fusebox({"init", "repo", "--preset", "demo"}), 4, "has a fusebox.toml already");
    CHECK(std::distance(fs::directory_iterator(box / "repo"), {}) == 1);
  }
  SUBCASE("a file where the folder should be") {
    box.write("repo", "");
    expect(box.fusebox({"init", "repo", "--preset", "demo"}), 2, "is no folder");
  }
}

TEST_CASE("init names the stack as told, or after its folder") {
  const Sandbox box;
  fs::create_directories(box / "here");
  const auto here = only_line(
      box.fusebox({"init", "--preset", "demo", "--name", "prod", "--json"}, in(box / "here")));
  CHECK(here.at("stack") == "prod");
  expect(box.fusebox({"config", "path", "--json"}, in(box / "here")), 0, "/fusebox/prod");
  expect(box.fusebox({"init", "x", "--preset", "demo", "--name", "Not Good"}), 2, "not-good");
}

TEST_CASE("every command finds the nearest fusebox.toml above") {
  const Sandbox box;
  expect(box.fusebox({"init", "stack", "--preset", "demo"}), 0);
  const auto top = box / "stack";
  const auto below = top / "a/b/c";
  fs::create_directories(below);
  for (const char* line : {"config check",
                           "config show",
                           "config path",
                           "config trust",
                           "config untrust",
                           "plan deploy",
                           "deploy --dry-run",
                           "up --dry-run",
                           "stop --dry-run",
                           "start --dry-run",
                           "restart --dry-run",
                           "down --dry-run",
                           "health",
                           "run health",
                           "ps",
                           "logs",
                           "urls",
                           "stats",
                           "volumes",
                           "exec redis true",
                           "shell redis",
                           "runs list",
                           "runs show",
                           "recover --undo",
                           "secrets list",
                           "secrets check",
                           "secrets template",
                           "plugins list",
                           "plugins trust",
                           "doctor",
                           "redis-cli ping"}) {
    CAPTURE(line);
    const auto above = box.fusebox(words_of(line), in(top));
    const auto found = box.fusebox(words_of(line), in(below));
    INFO("in the folder itself: " << above.all() << "\nbelow it: " << found.all());
    CHECK(found.exit_code == above.exit_code);
    CHECK(found.err.find("no fusebox.toml") == std::string::npos);
    CHECK(found.out.find("no fusebox.toml") == std::string::npos);
  }
  // What they leave belongs beside the file, not where they were called.
  CHECK(fs::is_empty(below));
  SUBCASE("the nearest wins over one further up") {
    box.write("stack/a/fusebox.toml", "[stack]\nname = \"inner\"\n");
    expect(box.fusebox({"config", "path", "--json"}, in(below)), 0, "/fusebox/inner");
  }
}

TEST_CASE("D18 an installed fusebox makes stacks that are whole, without a clone of the project") {
  const Installed installed;
  for (const char* preset : {"demo", "langfuse", "langfuse-docker"}) {
    CAPTURE(preset);
    expect(installed.fusebox({"init", preset, "--preset", preset}, installed.box.path()), 0);
    const auto folder = installed.box / preset;
    expect(installed.fusebox({"config", "check"}, folder), 0, "is fine");
    const auto planned = installed.fusebox({"plan", "deploy"}, folder);
    expect(planned, 0, "phase deploy");
    const auto shown = installed.fusebox({"config", "show"}, folder);
    expect(shown, 0);
    for (const auto& text : {planned.out, planned.err, shown.out})
      CHECK(text.find(FUSEBOX_SOURCE) == std::string::npos);
    if (fs::exists(folder / "configs/langfuse-docker-1password.toml"))
      expect(installed.fusebox({"config", "check", "-c", "configs/langfuse-docker-1password.toml"},
                               folder),
             0, "is fine");
    // Reading and planning leave nothing behind.
    expect(installed.fusebox({"init", preset, "--preset", preset, "--json"}, installed.box.path()),
           0, "unchanged");
  }
}

// The path of the README for 1Password, up to where OrbStack is needed.
TEST_CASE("a langfuse stack finds each of its secrets where its template says") {
  const Sandbox box;
  expect(box.fusebox({"init", "stack", "--preset", "langfuse"}), 0);
  json::object item{{"postgres_password", "canary-a"},
                    {"clickhouse_password", "canary-b"},
                    {"redis_auth", "canary-c"},
                    {"minio_root_user", "canary-d"},
                    {"minio_root_password", "canary-e"},
                    {"encryption_key", std::string(64, 'f')},
                    {"salt", "canary-g"},
                    {"nextauth_secret", "canary-h"}};
  const auto check = [&](const std::vector<std::string>& args) {
    box.write("world.json",
              json::serialize(json::object{{"version", "2.32.0"},
                                           {"accounts", json::array{"my"}},
                                           {"signed_in", true},
                                           {"vaults", {{"Langfuse-Prod", {{"langfuse", item}}}}},
                                           {"calls", (box / "calls").string()}}));
    auto options = in(box / "stack");
    options.environment = {{"PATH", OP_FOLDER ":/usr/bin:/bin"},
                           {"FUSEBOX_TEST_OP", (box / "world.json").string()}};
    return box.fusebox(args, options);
  };
  const auto good = check({"secrets", "check"});
  expect(good, 0);
  CHECK((good.out + good.err).find("canary") == std::string::npos);
  const auto listed = only_line(check({"secrets", "list", "--json"}));
  std::set<std::string> offered;
  for (const auto& secret : listed.at("secrets").as_array())
    offered.emplace(secret.at("name").as_string());
  CHECK(listed.at("wanted").as_array().size() == 8);
  for (const auto& name : listed.at("wanted").as_array())
    CHECK(offered.count(std::string(name.as_string())) == 1);
  item.erase("salt");
  expect(check({"secrets", "check"}), 3, "salt");
}
