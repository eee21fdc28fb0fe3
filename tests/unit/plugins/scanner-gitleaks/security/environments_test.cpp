// SPDX-License-Identifier: Apache-2.0
// What `security audit` says of the environments of running services.
#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>

#include "samples/pattern.hpp"
#include "tests/support/child.hpp"
#include "tests/support/configured_plugin.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temp_dir.hpp"

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace fusebox::test;

namespace {

struct Fixture {
  TempDir dir;
  FakeHost host;
  std::string environment;
  std::string asked;

  Fixture() {
    fs::create_directory(dir / "repo");
    ChildSpec init;
    init.command = {"git", "init", "-q", "."};
    init.cwd = dir / "repo";
    init.log = dir / "git.log";
    REQUIRE(Child(init).wait() == 0);
    host.services = [] {
      return R"({"services":[{"name":"web","state":"running"},{"name":"db","state":"exited"}]})";
    };
    host.exec = [this](std::string_view request, int, int out, int) {
      asked += request;
      REQUIRE(::write(out, environment.data(), environment.size()) ==
              static_cast<::ssize_t>(environment.size()));
      return 0;
    };
  }

  std::string audit() {
    std::ofstream(dir / "vault.template") << "SALT=op://v/langfuse/salt\nREDIS_AUTH=op://v/l/r\n";
    ConfiguredPlugin plugin(host, PLUGIN_FILE, {});
    const Outcome outcome =
        plugin.run("security-audit", json::object{{"path", (dir / "repo").string()},
                                                  {"template", (dir / "vault.template").string()}});
    CAPTURE(outcome.what);
    REQUIRE(outcome.rc == FBX_OK);
    return outcome.findings();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "references that were never resolved, empty and published values are told") {
  environment = "PATH=/bin\nNEXTAUTH_SECRET=op://v/langfuse/nextauth\nREDIS_AUTH=\nSALT=" +
                std::string("mysalt") + "\nSALT_FILE=mysalt\n";
  const std::string findings = audit();
  INFO(findings);
  CHECK(findings.find("a reference was never resolved") != std::string::npos);
  CHECK(findings.find("the vault has it, the service does not") != std::string::npos);
  CHECK(findings.find("published") != std::string::npos);
  CHECK(findings.find("mysalt") == std::string::npos);
  CHECK(asked.find("\"web\"") != std::string::npos);
  CHECK(asked.find("\"db\"") == std::string::npos);  // it does not run
}

TEST_CASE_FIXTURE(Fixture, "good values are not told of, and never shown") {
  fusebox::samples::Filler filler(1);
  const std::string value = filler.fill("{n40}");
  environment = "SALT=" + value + "\nREDIS_AUTH=" + value + "\nHOME=/root\n";
  const std::string findings = audit();
  INFO(findings);
  CHECK(findings.find("SALT") == std::string::npos);
  CHECK(findings.find("REDIS_AUTH") == std::string::npos);
  CHECK(findings.find(value) == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "more than a pipe holds is read while it is written") {
  environment = "A=" + std::string(200'000, 'a') + "\nNEXTAUTH_SECRET=op://v/l/n\n";
  host.exec = [this](std::string_view, int, int out, int) {
    for (std::size_t at = 0; at < environment.size();) {
      const auto sent = ::write(out, environment.data() + at, environment.size() - at);
      REQUIRE(sent > 0);
      at += static_cast<std::size_t>(sent);
    }
    return 0;
  };
  CHECK(audit().find("a reference was never resolved") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a service without env is a warning") {
  host.exec = [](std::string_view, int, int, int) { return 127; };
  CHECK(audit().find("its environment could not be read") != std::string::npos);
}
