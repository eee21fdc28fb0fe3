// SPDX-License-Identifier: Apache-2.0
// A plugin with settings as a user writes them: its library in the tests' small host, its
// configuration checked and completed by its own manifest.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "util/cancel.hpp"

namespace fusebox::test {

struct FakeHost;
class LoadedPlugin;

// How one call ended.
struct Outcome {
  std::int32_t rc = 0;         // an fbx_rc
  std::string text;            // what went into the sink
  boost::json::object result;  // the same, when it is an object
  std::string what;            // of fail()
  std::string hint;
  double ms = 0;

  std::string status() const;   // "" when there is none
  std::string summary() const;  // likewise
  // All findings, "severity: what | evidence | remedy", one line each.
  std::string findings() const;
  double metric(std::string_view name) const;  // NaN when there is none
};

struct CallLimits {
  std::optional<std::chrono::milliseconds> deadline = std::chrono::seconds{30};
  const util::CancelToken* cancel = nullptr;
};

class ConfiguredPlugin {
 public:
  // `library` lies beside its manifest. `settings` and `with` are what TOML would hold, as JSON: a
  // secret is {"secret":"NAME"}, a duration "5s". Throws std::runtime_error when the plugin cannot
  // be loaded, or its manifest or itself refuses the settings.
  ConfiguredPlugin(FakeHost& host, const std::filesystem::path& library,
                   const boost::json::object& settings,
                   const std::filesystem::path& state_dir = "/nonexistent",
                   const std::filesystem::path& versions = {});
  ~ConfiguredPlugin();
  ConfiguredPlugin(const ConfiguredPlugin&) = delete;
  ConfiguredPlugin& operator=(const ConfiguredPlugin&) = delete;

  // A request holds this record of a release, when it is not empty.
  boost::json::object release;

  Outcome plan(std::string_view verb, const boost::json::object& with = {});
  Outcome run(std::string_view verb, const boost::json::object& with = {},
              const CallLimits& limits = {});
  // With the checkpoints that the host got, and the result of run() or null.
  Outcome undo(std::string_view verb, const boost::json::value& result = nullptr);
  LoadedPlugin& loaded() { return *loaded_; }

 private:
  struct Manifest;
  boost::json::object request(std::string_view verb, const boost::json::object& with,
                              std::string_view run_id) const;
  FakeHost& host_;
  std::unique_ptr<Manifest> manifest_;
  std::unique_ptr<LoadedPlugin> loaded_;
};

}  // namespace fusebox::test
