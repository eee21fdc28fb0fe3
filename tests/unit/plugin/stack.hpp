// SPDX-License-Identifier: Apache-2.0
// A stack with test plugins, in a folder of its own.
#pragma once

#include "config/config.hpp"
#include "config/schema.hpp"
#include "plugin/host.hpp"
#include "secrets/store.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>

namespace fusebox::test {

class Stack {
 public:
  explicit Stack(const std::string& toml) {
    namespace fs = std::filesystem;
    std::string pattern = (fs::temp_directory_path() / "fusebox-host-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    std::ofstream(dir / "fusebox.toml") << fmt::format(
        "[stack]\nname = \"zoo\"\nstate_dir = \"{}\"\n{}", (dir / "state").string(), toml);
    config::LoadOptions options;
    options.file = dir / "fusebox.toml";
    config = config::load(options);
    catalog = plugin::Catalog::discover({FUSEBOX_TEST_PLUGINS});
    host = std::make_unique<plugin::Host>(config, catalog, store, problems);
  }
  ~Stack() {
    host.reset();
    std::filesystem::remove_all(dir);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  plugin::CallContext context() {
    plugin::CallContext c;
    c.label = "test";
    c.cancel = &cancel;
    c.log = [this](plugin::LogLevel, std::string_view line) { log.emplace_back(line); };
    c.progress = [this](const plugin::Progress& p) { log.emplace_back(p.what); };
    c.checkpoint = [this](std::string_view line) { checkpoints.emplace_back(line); };
    return c;
  }

  static boost::json::object request(const std::string& verb, boost::json::object with = {}) {
    return {{"verb", verb},
            {"phase", "test"},
            {"run", "1"},
            {"with", std::move(with)},
            {"secrets", boost::json::array{}}};
  }

  boost::json::object run(const std::string& instance, const std::string& verb = "bite",
                          boost::json::object with = {}) {
    const plugin::CallContext c = context();
    return host->run(instance, request(verb, std::move(with)), c);
  }

  // What run() says when it fails, "code: what (hint)"; "ok" when it does not.
  std::string failure(const std::string& instance, const std::string& verb = "bite",
                      boost::json::object with = {}) {
    try {
      run(instance, verb, std::move(with));
      return "ok";
    } catch (const Error& e) {
      return fmt::format("{}: {} ({})", to_string(e.code()), e.what(), e.hint());
    }
  }

  std::filesystem::path dir;
  config::Config config;
  plugin::Catalog catalog;
  secrets::Store store;
  std::vector<config::Problem> problems;
  std::unique_ptr<plugin::Host> host;
  util::CancelToken cancel;
  std::vector<std::string> log;
  std::vector<std::string> checkpoints;
};

}  // namespace fusebox::test
