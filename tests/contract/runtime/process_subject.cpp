// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "contract_rig.hpp"

namespace contract {

namespace {

// For a text of TOML in three quotes.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += c;
    out += c;
  }
  return out;
}

class ProcessSubject : public Subject {
 public:
  std::string plugin() const override { return "runtime-process"; }
  std::string settings(const fs::path& dir, int port) override {
    const auto service = [](const char* name, const char* script, const char* more) {
      return fmt::format(
          "[plugins.subject.services.{0}]\n"
          "command = [\"sh\", \"-c\", \"\"\"{1}\"\"\", \"sh\"]\n"
          "environment = {{ DATA = \"${{data}}\"{2} }}\n"
          "ready = {{ command = [\"test\", \"-e\", \"${{data}}/ready\"], interval = \"20ms\" }}\n"
          "stop_grace = \"5s\"\n",
          name, escaped(script), more);
    };
    return fmt::format(
        "data_dir = \"{}\"\n{}ports.http = {{ port = {}, target = 8080 }}\n{}"
        "depends_on = [\"a\"]\n",
        (dir / "data").string(), service("a", script_a, ", TOKEN = \"${secret:TOKEN}\""), port,
        service("b", script_b, ""));
  }
};

}  // namespace

std::unique_ptr<Subject> make_subject() { return std::make_unique<ProcessSubject>(); }

}  // namespace contract
