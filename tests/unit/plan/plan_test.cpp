// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <fstream>

#include "config/config_error.hpp"
#include "secrets/store.hpp"

using namespace fusebox;
using Labels = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

constexpr const char* engine = R"(
provides = ["fusebox.step/1", "fusebox.runtime/1"]
[verbs.up]
summary = "Starts"
effect = "change"
undo = true
timeout = "10m"
[verbs.up.options.services]
type = "list"
of = "string"
description = "Which"
default = []
[verbs.pull]
summary = "Fetches"
effect = "change"
[verbs.ps]
summary = "Lists"
effect = "none"
)";

constexpr const char* probe = R"(
provides = ["fusebox.step/1"]
requires = ["fusebox.runtime/1"]
wants = ["fusebox.store/1"]
[verbs.check]
summary = "Looks"
effect = "none"
[verbs.check.options.token]
type = "secret"
description = "What to sign in with"
[verbs.check.options.limit]
type = "duration"
default = "5s"
description = "At most"
[config.password]
type = "secret"
description = "The password"
)";

constexpr const char* vault = R"(
provides = ["fusebox.step/1", "fusebox.secrets/1"]
secrets = ["VAULT_TOKEN"]
[verbs.resolve]
summary = "Resolves"
effect = "none"
)";

// Plugins that exist as manifests only, and a configuration.
class Bench {
 public:
  explicit Bench(const std::string& toml) {
    std::string pattern = (fs::temp_directory_path() / "fusebox-plan-XXXXXX").native();
    dir_ = ::mkdtemp(pattern.data());
    add("engine", engine);
    add("engine-two", engine);
    add("probe", probe);
    add("vault", vault);
    std::ofstream(dir_ / "fusebox.toml")
        << "[stack]\nname = \"test\"\nstate_dir = \"" << (dir_ / "state").native() << "\"\n"
        << toml;
    config::LoadOptions options;
    options.file = dir_ / "fusebox.toml";
    config_ = config::load(options);
    catalog_ = plugin::Catalog::discover({dir_});
    host_ = std::make_unique<plugin::Host>(config_, catalog_, store_, problems_);
  }
  ~Bench() {
    host_.reset();
    fs::remove_all(dir_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  plan::Plan plan(const plan::Selection& selection = {}, const std::string& phase = "deploy") {
    return plan::make_plan(config_, *host_, phase, selection);
  }
  // One line per problem, without the folder; "" when there is a plan.
  std::string problems(const plan::Selection& selection = {}, const std::string& phase = "deploy") {
    try {
      plan(selection, phase);
      return {};
    } catch (const config::ConfigError& error) {
      std::string text = error.what();
      const std::string prefix = dir_.native() + "/";
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
        text.erase(at, prefix.size());
      return text;
    }
  }

 private:
  void add(const std::string& id, const char* rest) {
    std::ofstream(dir_ / (id + ".fusebox.toml"))
        << "fusebox_manifest = 1\nid = \"" << id
        << "\"\nversion = \"1.0.0\"\nsummary = \"A test's\"\nlicense = \"Apache-2.0\"\n"
        << rest;
    for (const char* suffix : {".so", ".dylib"}) std::ofstream(dir_ / (id + suffix)) << "empty\n";
  }

  fs::path dir_;
  config::Config config_;
  plugin::Catalog catalog_;
  secrets::Store store_;
  std::vector<config::Problem> problems_;
  std::unique_ptr<plugin::Host> host_;
};

// "on line n" without the columns, which depend on how a value is written.
std::string deploy(const std::string& steps, const std::string& more = "") {
  return "[phases.deploy]\n" + more + "steps = " + steps + "\n";
}

}  // namespace

TEST_CASE("a phase becomes groups of steps with all that a run needs to know") {
  Bench bench(
      "[plugins.engine]\n[plugins.vault]\n"
      "[plugins.web]\nuse = \"probe\"\npassword = { secret = \"WEB_PW\" }\n"
      "[phases.deploy]\non_failure = \"undo\"\n"
      "steps = [\"vault.resolve\", { step = \"engine.up\", timeout = \"2m\", retries = 3, with = "
      "{ services = [\"db\"] } }, [\"web.check\", { step = \"web.check\", with = { token = { "
      "secret = \"TOKEN\" } } }]]\n");
  const plan::Plan plan = bench.plan();
  CHECK(plan.phase == "deploy");
  CHECK(plan.changes);
  REQUIRE(plan.groups.size() == 3);
  const plan::Step& up = plan.groups[1][0];
  CHECK(up.label == "engine.up");
  CHECK(up.effect == plugin::Effect::change);
  CHECK(up.can_undo);
  CHECK(up.timeout == std::chrono::minutes(2));
  CHECK(up.retries == 3);
  CHECK(up.with == boost::json::parse(R"({"services":["db"]})"));
  REQUIRE(plan.groups[2].size() == 2);
  CHECK(plan.groups[2][0].label == "web.check");
  CHECK(plan.groups[2][1].label == "web.check#2");
  CHECK(plan.groups[2][0].with.at("limit") == 5000);
  CHECK(plan.groups[2][0].effect == plugin::Effect::none);
  // Not VAULT_TOKEN: that is what the provider itself signs in with.
  CHECK(plan.secrets == Labels{"TOKEN", "WEB_PW"});
}

TEST_CASE("a verb's own timeout holds where the step gives none") {
  Bench bench("[plugins.engine]\n" + deploy("[\"engine.up\"]"));
  CHECK(bench.plan().groups[0][0].timeout == std::chrono::minutes(10));
}

TEST_CASE("a phase of steps that only read has no effects") {
  Bench bench("[plugins.engine]\n" + deploy("[\"engine.ps\"]"));
  CHECK_FALSE(bench.plan().changes);
}

TEST_CASE("every problem of a phase is told at once, with its place") {
  Bench bench("[plugins.engine]\n[plugins.engine-two]\n[plugins.probe]\n" +
              deploy("[\"engine.upp\", \"prob.check\", { step = \"engine.up\", with = { services = "
                     "\"db\", size = 1 } }, \"probe.check\"]"));
  const std::string problems = bench.problems({{"nobody"}, {}});
  CHECK(problems.find("\"engine\" has no verb \"upp\" (did you mean \"up\"?)") !=
        std::string::npos);
  CHECK(problems.find("there is no plugin or instance \"prob\" (did you mean \"probe\"?)") !=
        std::string::npos);
  CHECK(problems.find("`with` of step engine.up") != std::string::npos);
  CHECK(problems.find("\"size\"") != std::string::npos);
  CHECK(problems.find("\"probe\" needs fusebox.runtime/1: both \"engine\" and \"engine-two\" "
                      "provide fusebox.runtime/1 (choose: [use] runtime = \"engine\"") !=
        std::string::npos);
  CHECK(problems.find("--skip: phase deploy has no step of an instance \"nobody\"") !=
        std::string::npos);
  CHECK(problems.find("fusebox.toml:8:") != std::string::npos);
}

TEST_CASE("what cannot be planned is refused with the words for it") {
  struct Row {
    const char* name;
    std::string toml;
    plan::Selection selection;
    const char* phase;
    const char* expected;
  };
  const Row rows[] = {
      {"unknown phase",
       "[plugins.engine]\n" + deploy("[\"engine.up\"]"),
       {},
       "deplyo",
       "fusebox.toml: there is no phase \"deplyo\" (did you mean \"deploy\"?)"},
      {"unknown phase, far off",
       "[plugins.engine]\n" + deploy("[\"engine.up\"]"),
       {},
       "xyzzy",
       "fusebox.toml: there is no phase \"xyzzy\" (there are: deploy)"},
      {"no provider",
       "[plugins.probe]\n" + deploy("[\"probe.check\"]"),
       {},
       "deploy",
       "fusebox.toml:6:10: \"probe\" needs fusebox.runtime/1: nothing in this stack provides "
       "fusebox.runtime/1 (add a [plugins.*] whose manifest provides it; `fusebox plugins list` "
       "shows which)"},
      {"plugin that is not there",
       "[plugins.web]\nuse = \"probe-nine\"\n" + deploy("[\"web.check\"]"),
       {},
       "deploy",
       "fusebox.toml:7:10: the plugin \"probe-nine\" of instance \"web\" cannot be used (`fusebox "
       "plugins list` says why)"},
      {"secrets without a provider",
       "[plugins.engine]\n[plugins.probe]\npassword = { secret = \"PW\" }\n" +
           deploy("[\"probe.check\"]"),
       {},
       "deploy",
       "fusebox.toml:7:9: phase deploy (secrets PW) needs fusebox.secrets/1: nothing in this stack "
       "provides fusebox.secrets/1 (add a [plugins.*] whose manifest provides it; `fusebox plugins "
       "list` shows which)"},
      {"change without undo before others",
       "[plugins.engine]\n" + deploy("[\"engine.pull\", \"engine.up\"]"),
       {},
       "deploy",
       "fusebox.toml:6:10: step engine.pull cannot be undone, but phase deploy promises to undo "
       "what failed (put it last, or set on_failure = \"stop\" or \"continue\")"},
      {"change without undo beside another",
       "[plugins.engine]\n" + deploy("[[\"engine.up\", \"engine.pull\"]]"),
       {},
       "deploy",
       "fusebox.toml:6:24: step engine.pull cannot be undone, but phase deploy promises to undo "
       "what failed (put it last, or set on_failure = \"stop\" or \"continue\")"},
      {"nothing left",
       "[plugins.engine]\n" + deploy("[\"engine.up\"]"),
       {{"engine"}, {}},
       "deploy",
       "--skip: nothing of phase deploy is left to run"},
      {"unknown in --only",
       "[plugins.engine]\n" + deploy("[\"engine.up\"]"),
       {{}, {"engin"}},
       "deploy",
       "--only: phase deploy has no step of an instance \"engin\" (did you mean \"engine\"?)\n"
       "--only: nothing of phase deploy is left to run"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Bench bench(row.toml);
    CHECK(bench.problems(row.selection, row.phase) == row.expected);
  }
}

TEST_CASE("a phase without steps is refused") {
  config::Config config;
  config.phases.push_back({"deploy", config::OnFailure::undo, {}, {"fusebox.toml", 3, 1}});
  const plan::Instances nobody{{}, {}};
  CHECK_THROWS_WITH_AS(plan::make_plan(config, nobody, "deploy", {}),
                       "fusebox.toml:3:1: phase deploy has no steps", config::ConfigError);
}

TEST_CASE(
    "a change without undo is accepted where nothing can fail after it, or nothing is promised") {
  const std::string head = "[plugins.engine]\n";
  CHECK(Bench(head + deploy("[\"engine.up\", \"engine.pull\"]")).problems().empty());
  CHECK(Bench(head + deploy("[\"engine.pull\", \"engine.up\"]", "on_failure = \"stop\"\n"))
            .problems()
            .empty());
  CHECK(Bench(head + deploy("[\"engine.pull\", \"engine.up\"]", "on_failure = \"continue\"\n"))
            .problems()
            .empty());
  // What is skipped cannot fail.
  CHECK(Bench(head + "[plugins.probe]\n" + deploy("[\"engine.pull\", \"probe.check\"]"))
            .problems({{"probe"}, {}})
            .empty());
}

TEST_CASE("[use] decides between two providers, and --skip leaves out what a step requires") {
  const std::string both = "[plugins.engine]\n[plugins.engine-two]\n[plugins.probe]\n";
  CHECK(Bench("[use]\nruntime = \"engine-two\"\n" + both + deploy("[\"probe.check\"]"))
            .problems()
            .empty());
  Bench skipping(both + deploy("[\"engine.up\", \"probe.check\"]"));
  const plan::Plan plan = skipping.plan({{"probe"}, {}});
  CHECK_FALSE(plan.groups[0][0].skipped);
  CHECK(plan.groups[1][0].skipped);
  const plan::Plan only = skipping.plan({{}, {"engine"}});
  CHECK(only.groups[1][0].skipped);
}
