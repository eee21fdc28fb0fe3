// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include "config/config_error.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace fusebox;
using config::FieldType;

namespace {

constexpr const char* whole = R"(fusebox_manifest = 1
id = "acme-scan"
version = "1.2.3-rc.1+build.7"
summary = "Looks for secrets"
license = "Apache-2.0"
provides = ["fusebox.step/1", "acme.scan/2"]
offers = ["fusebox.store/1"]
requires = ["fusebox.runtime/1"]
wants = ["fusebox.secrets/1"]
secrets = ["TOKEN"]
programs = ["gitleaks"]

[verbs.scan]
summary = "look"
effect = "none"
timeout = "1m30s"
options.deep = { type = "boolean", default = false, description = "all of history" }

[verbs.fix]
summary = "repair"
effect = "change"
undo = true

[[commands]]
name = "security audit"
summary = "Scan everything"
verb = "scan"
examples = ["fusebox security audit --deep"]
argument = "deep"
document = "deep"
needs_config = false

[config]
where = { type = "path", required = true }
rules.type = "list"
rules.of = { type = "table", fields = { id = { type = "string" } } }
)";

}  // namespace

TEST_CASE("a manifest is read whole, and kept byte for byte") {
  const plugin::Manifest manifest = plugin::parse_manifest(whole, "/x/acme-scan.fusebox.toml");
  CHECK(manifest.text == whole);
  CHECK(manifest.file == "/x/acme-scan.fusebox.toml");
  CHECK(manifest.id == "acme-scan");
  CHECK(manifest.version == "1.2.3-rc.1+build.7");
  CHECK(manifest.summary == "Looks for secrets");
  CHECK(manifest.license == "Apache-2.0");
  CHECK(manifest.provides_interface("acme.scan/2"));
  CHECK_FALSE(manifest.provides_interface("acme.scan/1"));
  CHECK(manifest.offers == std::vector<std::string>{"fusebox.store/1"});
  CHECK_FALSE(manifest.provides_interface("fusebox.store/1"));
  CHECK(manifest.requires_ == std::vector<std::string>{"fusebox.runtime/1"});
  CHECK(manifest.wants == std::vector<std::string>{"fusebox.secrets/1"});
  CHECK(manifest.secrets == std::vector<std::string>{"TOKEN"});
  CHECK(manifest.programs == std::vector<std::string>{"gitleaks"});

  const plugin::Verb& scan = manifest.verbs.at("scan");
  CHECK(scan.name == "scan");
  CHECK(scan.effect == plugin::Effect::none);
  CHECK_FALSE(scan.undo);
  CHECK(scan.timeout == std::chrono::seconds(90));
  CHECK(scan.options.at("deep").type == FieldType::boolean);
  CHECK(scan.options.at("deep").description == "all of history");
  CHECK(manifest.verbs.at("fix").effect == plugin::Effect::change);
  CHECK(manifest.verbs.at("fix").undo);
  CHECK(manifest.verbs.at("fix").timeout.count() == 0);

  REQUIRE(manifest.commands.size() == 1);
  CHECK(manifest.commands[0].name == "security audit");
  CHECK(manifest.commands[0].verb == "scan");
  CHECK(manifest.commands[0].examples.size() == 1);
  CHECK(manifest.commands[0].argument == "deep");
  CHECK(manifest.commands[0].document == "deep");
  CHECK(!manifest.commands[0].needs_config);

  CHECK(manifest.config.at("where").required);
  const config::Field& rules = manifest.config.at("rules");
  REQUIRE(rules.of != nullptr);
  CHECK(rules.of->fields.at("id").type == FieldType::string);
}

TEST_CASE("a manifest without verbs needs no step interface") {
  const std::string text =
      "fusebox_manifest = 1\nid = \"a\"\nversion = \"1.0.0\"\nsummary = \"s\"\nlicense = \"MIT\"\n"
      "provides = [\"fusebox.observer/1\"]\n";
  CHECK(plugin::parse_manifest(text, "a.fusebox.toml").verbs.empty());
}

TEST_CASE("a manifest that cannot be opened is an error with its name") {
  CHECK_THROWS_WITH_AS(plugin::read_manifest("/nowhere/a.fusebox.toml"),
                       "cannot open /nowhere/a.fusebox.toml: No such file or directory",
                       config::ConfigError);
}

TEST_CASE("the manifests of this tree are valid") {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FUSEBOX_PLUGINS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".fusebox.toml")) continue;
    INFO(entry.path().string());
    CHECK(plugin::read_manifest(entry.path()).id + ".fusebox.toml" == name);
    ++read;
  }
  CHECK(read > 0);
}

TEST_CASE("the example of the reference is valid") {
  std::ifstream in(FUSEBOX_DOCS_DIR "/MANIFEST.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t start = text.find("```toml\n");
  REQUIRE(start != std::string::npos);
  const std::size_t end = text.find("```\n", start + 8);
  const auto manifest =
      plugin::parse_manifest(text.substr(start + 8, end - start - 8), "acme-scan.fusebox.toml");
  CHECK(manifest.verbs.size() == 2);
  CHECK(manifest.commands.size() == 1);
}
