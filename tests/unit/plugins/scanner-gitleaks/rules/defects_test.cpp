// SPDX-License-Identifier: Apache-2.0
// What the scripts' rules let through.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "engine/scanner.hpp"
#include "samples/pattern.hpp"
#include "samples/samples.hpp"
#include "tests/support/temp_dir.hpp"

using fusebox::samples::Filler;
using namespace fusebox::scan;

namespace {

std::set<std::string> rules_for(const std::string& text, const std::string& file) {
  static const auto rules = load_rules(RULES_FILE, {});
  const fusebox::test::TempDir dir;
  Options options;
  options.ignore = dir.path();
  Scanner scanner(rules, options);
  std::set<std::string> found;
  for (const Finding& finding : scanner.text(text, file).findings) found.insert(finding.rule_id);
  return found;
}

std::string fill(const char* pattern) {
  static Filler filler(4711);
  return filler.fill(pattern);
}

}  // namespace

TEST_CASE("D34 no kind of file is exempt") {
  for (const char* file :
       {"deploy.sh", "scripts/backup.sh", "Makefile", "docker-compose.yml",
        "docker-compose.prod.yml", "secrets.env.template", ".env.template", ".env.example",
        "example/app.py", "docs/README.md", "tests/unit/test_login.py", "fixtures/a.json",
        ".gitleaks.toml.bak", "package-lock.json", "node_modules/a/index.js", "vendor/a.go",
        "go.sum", ".github/workflows/ci.yml"}) {
    CAPTURE(file);
    CHECK(rules_for("x = " + fill("ghp_{n36}") + "\n", file).count("github-pat") == 1);
    CHECK(rules_for("POSTGRES_PASSWORD=" + fill("{n24}") + "\n", file).count("postgres-password") ==
          1);
  }
}

TEST_CASE("D34 a reference exempts itself, not its line") {
  const std::string reference = "op://Langfuse-Prod/langfuse/postgres_password";
  const std::string secret = fill("{n24}");
  const std::vector<std::string> lines = {
      "POSTGRES_PASSWORD=" + secret + " # was " + reference,
      "A=" + reference + " POSTGRES_PASSWORD=" + secret,
      "POSTGRES_PASSWORD=" + secret + ";A=" + reference,
      "{\"A\": \"" + reference + "\", \"POSTGRES_PASSWORD\": \"" + secret + "\"}"};
  for (const std::string& line : lines) {
    CAPTURE(line.find(reference));
    CHECK(rules_for(line + "\n", "a.env").count("postgres-password") == 1);
  }
  CHECK(rules_for("A=" + reference + " B=" + fill("sk-lf-{uuid}") + "\n", "a.env")
            .count("langfuse-secret-key") == 1);
  CHECK(rules_for("U=postgresql://a:" + reference + "@db/x V=postgresql://a:" + secret + "@db/x\n",
                  "a.env")
            .count("postgresql-url-password") == 1);
  CHECK(rules_for("A=" + reference + "\n", "a.env").empty());
}

TEST_CASE("D34 references, variables and placeholders alone are found by no rule") {
  for (const char* file : {"secrets.env.template", "compose.yml", "values.yaml", "deploy.sh"}) {
    CAPTURE(file);
    CHECK(rules_for(fusebox::samples::references(), file).empty());
  }
}

TEST_CASE("D34 the default of a variable is a value") {
  CHECK(
      rules_for("  SALT: ${SALT:-" + fill("{n24}") + "}\n", "compose.yml").count("langfuse-salt") ==
      1);
  CHECK(rules_for("  SALT: ${SALT:-}\n", "compose.yml").empty());
  CHECK(rules_for("  SALT: ${SALT:?is not set}\n", "compose.yml").empty());
}

TEST_CASE("D40 a host's inventory and a default password in a script are found") {
  CHECK(rules_for("names only\n", "pre-removal-containers.txt").count("host-inventory-file") == 1);
  CHECK(rules_for("CONTAINER ID   IMAGE   COMMAND\n", "before.txt").count("host-inventory") == 1);
  CHECK(rules_for("\t@echo \"Login: demo@langfuse.local / password: " + fill("{a6}{d3}") + "\"\n",
                  "Makefile")
            .count("printed-password") == 1);
  CHECK(rules_for(fill("POSTGRES_PASSWORD={postgres}\nMINIO_ROOT_PASSWORD={minio}secret\n"),
                  "docker-compose.yml")
            .count("known-default-secret") == 1);
}
