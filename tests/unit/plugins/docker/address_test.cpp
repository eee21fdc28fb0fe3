// SPDX-License-Identifier: Apache-2.0
#include "common/docker/address.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <fusebox/plugin.hpp>
#include <map>
#include <string>

#include "support/temp_dir.hpp"

namespace docker = fbx::docker;
namespace fs = std::filesystem;

namespace {

// A home folder with Docker's own files, and an environment.
class Home {
 public:
  Home() { variables["HOME"] = dir.path().string(); }
  void context(const std::string& id, const std::string& json) {
    fs::create_directories(dir.path() / ".docker/contexts/meta" / id);
    std::ofstream(dir.path() / ".docker/contexts/meta" / id / "meta.json") << json;
  }
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((dir.path() / path).parent_path());
    std::ofstream(dir.path() / path) << text;
  }
  docker::Address find(const docker::Wish& wish = {}) const {
    return docker::find_engine(wish, [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(std::string(name));
      if (found == variables.end() || found->second.empty()) return std::nullopt;
      return found->second;
    });
  }
  fbx_rc failure(const docker::Wish& wish = {}) const {
    try {
      find(wish);
      return FBX_OK;
    } catch (const fbx::Error& e) {
      return e.rc();
    }
  }

  fusebox::test::TempDir dir;
  std::map<std::string, std::string> variables;
};

constexpr const char* remote =
    R"({"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://10.0.0.2:2376","SkipTLSVerify":false}}})";

}  // namespace

TEST_CASE("the engine is found by the docker command's own order") {
  Home home;
  home.context("abc", R"({"Name":"mine","Endpoints":{"docker":{"Host":"unix:///mine.sock"}}})");
  home.context("def", remote);
  home.context("ghi", "not JSON");
  CHECK(home.find().url == "unix:///var/run/docker.sock");
  home.file(".docker/config.json", R"({"currentContext":"mine","auths":{}})");
  CHECK(home.find().url == "unix:///mine.sock");
  CHECK(home.find().source == "the context mine");
  home.variables["DOCKER_CONTEXT"] = "remote";
  CHECK(home.find().url == "tcp://10.0.0.2:2376");
  home.variables["DOCKER_HOST"] = "unix:///env.sock";
  CHECK(home.find().url == "unix:///env.sock");
  CHECK(home.find({"", "mine"}).url == "unix:///mine.sock");
  CHECK(home.find({"tcp://h", "mine"}).url == "tcp://h");
  CHECK(home.find({"", "default"}).source.starts_with("the default"));
  home.variables["DOCKER_CONFIG"] = (home.dir / "elsewhere").string();
  CHECK(home.failure({"", "mine"}) == FBX_CONFIG);
}

TEST_CASE("addresses are read, and what is none is refused") {
  const Home home;
  CHECK(home.find({"tcp://10.0.0.2", ""}).port == 2375);
  CHECK(home.find({"tcp://[::1]:99", ""}).host == "::1");
  CHECK(home.find({"tcp://[::1]:99", ""}).port == 99);
  CHECK(home.find({"10.0.0.2:1", ""}).host == "10.0.0.2");
  CHECK(home.find({"http://h:1/", ""}).host == "h");
  CHECK(home.find({"https://h", ""}).tls.has_value());
  CHECK(home.find({"https://h", ""}).port == 2376);
  for (const char* url : {"unix://relative.sock", "tcp://", "tcp://h:0", "tcp://h:99999",
                          "tcp://h:x", "gopher://h"}) {
    CAPTURE(url);
    CHECK(home.failure({url, ""}) == FBX_CONFIG);
  }
  CHECK(home.failure({"ssh://me@h", ""}) == FBX_UNSUPPORTED);
  CHECK(home.failure({"", "nobody"}) == FBX_CONFIG);
}

TEST_CASE("certificates come from DOCKER_CERT_PATH, the config's folder, or the context") {
  Home home;
  home.variables["DOCKER_HOST"] = "tcp://h:2376";
  CHECK_FALSE(home.find().tls);
  home.variables["DOCKER_TLS_VERIFY"] = "1";
  CHECK(home.find().tls->ca == home.dir / ".docker/ca.pem");
  CHECK(home.find().tls->verify);
  home.variables["DOCKER_CERT_PATH"] = "/certs";
  CHECK(home.find().tls->key == "/certs/key.pem");
  home.context("def", remote);
  CHECK_FALSE(home.find({"", "remote"}).tls);
  home.file(".docker/contexts/tls/def/docker/ca.pem", "x");
  CHECK(home.find({"", "remote"}).tls->ca == home.dir / ".docker/contexts/tls/def/docker/ca.pem");
}

TEST_CASE("OrbStack's engine is found by its context's name or its socket alone") {
  Home home;
  CHECK(home.failure({"", "orbstack"}) == FBX_CONFIG);
  home.file(".orbstack/run/docker.sock", "");
  const auto address = home.find({"", "orbstack"});
  CHECK(address.socket == home.dir / ".orbstack/run/docker.sock");
  CHECK(docker::child_environment(address).set.at("DOCKER_HOST") == address.url);
}

TEST_CASE("a docker child is sent to the same engine") {
  Home home;
  home.context("def", remote);
  const auto by_context = docker::child_environment(home.find({"", "remote"}));
  CHECK(by_context.set == std::map<std::string, std::string>{{"DOCKER_CONTEXT", "remote"}});
  CHECK(std::find(by_context.unset.begin(), by_context.unset.end(), "DOCKER_HOST") !=
        by_context.unset.end());
  home.variables["DOCKER_TLS_VERIFY"] = "1";
  home.variables["DOCKER_CERT_PATH"] = "/certs";
  const auto by_host = docker::child_environment(home.find({"tcp://h:1", ""}));
  CHECK(by_host.set == std::map<std::string, std::string>{{"DOCKER_HOST", "tcp://h:1"},
                                                          {"DOCKER_TLS_VERIFY", "1"},
                                                          {"DOCKER_CERT_PATH", "/certs"}});
}
