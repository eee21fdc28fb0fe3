// SPDX-License-Identifier: Apache-2.0
// What a command works with: its arguments, the output, and the rooms of the core, each opened at
// its first use.
#pragma once

#include "cli/command.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::config {
struct Config;
struct PhaseConfig;
}  // namespace fusebox::config
namespace fusebox::plugin {
class Catalog;
class Host;
struct CallContext;
struct InstanceInfo;
}  // namespace fusebox::plugin
namespace fusebox::plan {
struct Selection;
}
namespace fusebox::report {
class Reporter;
}
namespace fusebox::secrets {
class Redactor;
class Store;
}  // namespace fusebox::secrets

namespace fusebox::cli {

class Watch;

class Context {
 public:
  Context(Arguments arguments, Output& output);
  ~Context();

  // Opens what `needs` names, so that its errors come before the command does anything.
  void prepare(Needs needs);

  const Arguments& args() const { return arguments_; }
  Output& out() { return output_; }

  // The file that --config, FUSEBOX_CONFIG or the search upward from here names; nothing when
  // there is none.
  std::optional<std::filesystem::path> config_file() const;
  // Throws Error{config} when there is no file, ConfigError when it is wrong.
  const config::Config& config();
  // Folders that are searched for plugins, first to last.
  std::vector<std::filesystem::path> plugin_dirs();
  const plugin::Catalog& catalog();
  // Throws ConfigError with every wrong setting of every plugin.
  plugin::Host& host();
  secrets::Store& store();
  const secrets::Redactor& redactor();

  // Adds the phase `name` to the configuration when it is one that every stack has and the file
  // does not define it.
  void ensure_phase(std::string_view name);
  // Adds a phase of the command line's making, in place of one of that name.
  void replace_phase(config::PhaseConfig phase);

  // Sees to it that the stack uses the plugin `id`; where there is no configuration, a stack of
  // that one plugin is made up. To be called before anything asks for host().
  void use_plugin(const std::string& id);

  // From here on the stack is one beside the live one: its services have names, ports, data and
  // state of their own. To be called before anything asks for host().
  void enter_scratch();

  // Signals and deadlines of commands without effects. From the first use on there is a thread.
  Watch& watch();
  // Ends that thread, so that the process may fork.
  void end_watch();

  // For one call of `what` into a plugin: watch()'s token, a deadline, warnings (all lines when
  // verbose) to stderr.
  plugin::CallContext call(
      std::string what, std::optional<std::chrono::milliseconds> limit = std::chrono::seconds(30));

  // The provider of fusebox.runtime/1.
  const plugin::InstanceInfo& runtime();

  plan::Selection selection() const;

  // Runs print the `document` of their steps' results and, to stderr, what goes wrong.
  void print_documents() { prints_documents_ = true; }

  // Tells of a run as the options ask for: live at a terminal, plain lines, or JSON lines.
  std::unique_ptr<report::Reporter> make_reporter();

 private:
  struct State;
  Arguments arguments_;
  Output& output_;
  bool prints_documents_ = false;
  std::unique_ptr<State> state_;
};

}  // namespace fusebox::cli
