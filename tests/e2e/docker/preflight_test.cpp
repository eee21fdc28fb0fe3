// SPDX-License-Identifier: Apache-2.0
// What runtime-docker refuses before a deploy's first effect.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

using fusebox::test::ComposeStack;
using fusebox::test::Ended;

namespace {

const std::string image = "docker.io/library/busybox:1.35.0";

std::string config(const std::string& settings = "") {
  return fmt::format(R"([plugins.secrets-file]
file = ".secrets"

[plugins.runtime-docker]
{}
[plugins.runtime-docker.environment]
SALT = {{ secret = "SALT" }}
DB_PASSWORD = {{ secret = "DB_PASSWORD" }}
)",
                     settings);
}

std::string files(const std::string& user = "0") {
  return fmt::format(R"(services:
  app:
    image: {}
    user: "{}"
    command: ["sleep", "3600"]
    init: true
    environment:
      SALT: ${{SALT:?}}
      DATABASE_URL: postgresql://app:${{DB_PASSWORD:?}}@db:5432/app
    volumes: ["data:/data"]
volumes: {{ data: {{}} }}
)",
                     image, user);
}

std::string secrets(const std::string& salt, const std::string& database) {
  return "SALT='" + salt + "'\nDB_PASSWORD='" + database + "'\n";
}

const std::string a_salt = "aB3dE6gH9jK2mN5p";
const std::string good_secrets = secrets(a_salt, "qR8sT1uV4wX7yZ0a");

class Refused : public ComposeStack {
 public:
  explicit Refused(const std::string& secrets, const std::string& settings = "")
      : ComposeStack(config(settings), {{"compose.yml", files()}}) {
    const auto file = box().write(".secrets", secrets);
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
};

void skip() { fusebox::test::skip_without_images({image}); }

// Preflight says `part`, and nothing was made.
void refused(const ComposeStack& stack, std::string_view part) {
  const Ended ended = stack({"preflight"});
  INFO(ended.all());
  CHECK(ended.exit_code == 3);
  CHECK(ended.out.find(part) != std::string::npos);
  CHECK(ended.all().find("qR8sT1uV") == std::string::npos);
}

}  // namespace

TEST_CASE("preflight is content with a stack that is as it should be") {
  skip();
  const Refused stack(good_secrets);
  const auto ended = stack({"preflight"});
  INFO(ended.all());
  CHECK(ended.exit_code == 0);
  CHECK(stack.containers().empty());
}

TEST_CASE("preflight refuses published and missing secrets, and characters that break a URL") {
  skip();
  refused(Refused(secrets("mysalt", "qR8sT1uV4wX7yZ0a")), "published in examples");
  refused(Refused(secrets(a_salt, "qR8sT1uV@wX7yZ0a")),
          "DB_PASSWORD has a character with a meaning in URLs");
  const Refused missing("SALT='" + a_salt + "'\n");
  const auto ended = missing({"preflight"});
  INFO(ended.all());
  CHECK(ended.exit_code == 1);  // the provider's own words
  CHECK(ended.out.find("DB_PASSWORD") != std::string::npos);
}

TEST_CASE("preflight refuses too little room, and a volume that was renamed") {
  skip();
  refused(Refused(good_secrets, "min_memory = \"100TiB\"\n"), "of memory");
  refused(Refused(good_secrets, "min_disk = \"100TiB\"\n"), "are free in");
  refused(Refused(good_secrets, "volumes = [\"old_data\"]\n"),
          "no longer have the volume old_data");
}

TEST_CASE("preflight refuses a user who does not own the volume that it would write to") {
  skip();
  const Refused stack(good_secrets);
  const auto up = stack({"up"});
  INFO(up.all());
  REQUIRE(up.exit_code == 0);
  stack.box().write("compose.yml", files("65532"));
  refused(stack, "runs as user 65532, but its volume");
  // A container that does not run shows as much.
  fusebox::test::docker({"stop", "--time", "0", stack.container("app")});
  refused(stack, "belongs to user 0");
}
