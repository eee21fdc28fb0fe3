// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fstream>

#include "busybox_image.hpp"
#include "contract_rig.hpp"
#include "support/engine/docker.hpp"

namespace contract {

namespace {

// For a double-quoted text of YAML, in which Compose would read a single $ as a variable's.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '$' || c == '\\') out += c;
    out += c;
  }
  return out;
}

class DockerSubject : public Subject {
 public:
  std::string plugin() const override { return "runtime-docker"; }
  std::string settings(const fs::path& dir, int port) override {
    engine_test::require_engine();
    if (!fusebox::test::has_image(engine_test::busybox_image)) {
      std::ofstream(dir / "image.tar", std::ios::binary) << engine_test::busybox_stream();
      fusebox::test::docker({"import", (dir / "image.tar").string(), engine_test::busybox_image});
    }
    const auto service = [](const char* name, const char* script, const std::string& more) {
      return fmt::format(
          "  {0}:\n"
          "    image: {1}\n"
          "    entrypoint: [\"/bin/sh\", \"-c\"]\n"
          "    command: [\"{2}\"]\n"
          "    environment: {{ PATH: /bin, DATA: /data, TOKEN: \"${{TOKEN:-}}\" }}\n"
          "    volumes: [{{ type: volume, source: {0}, target: /data }}]\n"
          "    healthcheck: {{ test: [\"CMD\", \"test\", \"-e\", \"/data/ready\"], interval: 1s "
          "}}\n"
          "    stop_grace_period: 5s\n{3}",
          name, engine_test::busybox_image, escaped(script), more);
    };
    std::ofstream(dir / "compose.yaml")
        << "services:\n"
        << service("a", script_a, fmt::format("    ports: [\"127.0.0.1:{}:8080\"]\n", port))
        << service("b", script_b, "    depends_on: { a: { condition: service_healthy } }\n")
        << "volumes: { a: {}, b: {} }\n";
    return "files = [\"compose.yaml\"]\nenvironment = { TOKEN = \"${secret:TOKEN}\" }\n";
  }
};

}  // namespace

std::unique_ptr<Subject> make_subject() { return std::make_unique<DockerSubject>(); }

}  // namespace contract
