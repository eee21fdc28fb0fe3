// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"

#include "cli/default_phases.hpp"
#include "cli/paths.hpp"
#include "cli/watch.hpp"
#include "config/config.hpp"
#include "config/config_error.hpp"
#include "plan/plan.hpp"
#include "plugin/host.hpp"
#include "plugin/trust.hpp"
#include "secrets/redactor.hpp"
#include "secrets/store.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <fusebox/runtime.h>

#include <unistd.h>

#include <algorithm>

namespace fusebox::cli {

namespace fs = std::filesystem;

namespace {

std::map<std::string, std::string> fusebox_environment() {
  std::map<std::string, std::string> found;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (text.starts_with("FUSEBOX_") && equals != std::string_view::npos) {
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return found;
}

std::map<std::string, std::string> parse_use(const std::vector<std::string>& words) {
  std::map<std::string, std::string> use;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == word.size()) {
      throw Error(Errc::argument, fmt::format("--use {} is not KIND=INSTANCE", word),
                  "write for example --use runtime=INSTANCE");
    }
    use[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return use;
}

std::set<std::string> as_set(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

}  // namespace

struct Context::State {
  std::optional<config::Config> config;
  std::optional<plugin::Catalog> catalog;
  std::optional<secrets::Store> store;
  std::optional<secrets::Redactor> redactor;
  std::unique_ptr<plugin::Host> host;
  std::unique_ptr<Watch> watch;
};

Context::Context(Arguments arguments, Output& output)
    : arguments_(std::move(arguments)), output_(output), state_(std::make_unique<State>()) {}

Context::~Context() = default;

void Context::prepare(Needs needs) {
  if (needs >= Needs::config) config();
  if (needs >= Needs::plugins) catalog();
  if (needs >= Needs::stack) host();
}

std::optional<fs::path> Context::config_file() const {
  if (const auto named = arguments_.value("config")) return *named;
  if (const auto named = environment("FUSEBOX_CONFIG")) return *named;
  const auto here = fs::current_path();
  const auto found = config::find_config(here);
  // Messages name it as the user would.
  return found && found->parent_path() == here ? found->filename() : found;
}

const config::Config& Context::config() {
  if (state_->config) return *state_->config;
  const auto file = config_file();
  if (!file) {
    throw Error(
        Errc::config,
        fmt::format("no fusebox.toml in {} or a folder above it", fs::current_path().string()),
        "go to the stack's folder, or name its file with -c FILE or FUSEBOX_CONFIG");
  }
  config::LoadOptions options;
  options.file = *file;
  options.set = arguments_.values("set");
  options.use = parse_use(arguments_.values("use", Arguments::Commas::split));
  options.environment = fusebox_environment();
  state_->config = config::load(options);
  return *state_->config;
}

void Context::ensure_phase(std::string_view name) {
  if (config().phase(name) != nullptr) return;
  if (auto phase = default_phase(host(), name)) state_->config->phases.push_back(std::move(*phase));
}

void Context::replace_phase(config::PhaseConfig phase) {
  config();
  std::erase_if(state_->config->phases,
                [&](const auto& other) { return other.name == phase.name; });
  state_->config->phases.push_back(std::move(phase));
}

void Context::use_plugin(const std::string& id) {
  if (!state_->config && !config_file()) {
    config::LoadOptions options;
    options.file = fs::current_path() / "fusebox.toml";
    options.set = arguments_.values("set");
    options.set.emplace_back("stack.name=\"no-stack\"");
    options.environment = fusebox_environment();
    state_->config = config::load(config::Value{config::Table{}, {}}, options);
  }
  config();
  auto& plugins = state_->config->plugins;
  const bool is_used = std::any_of(plugins.begin(), plugins.end(),
                                   [&](const auto& plugin) { return plugin.use == id; });
  if (is_used) return;
  config::PluginConfig plugin{id, id, {config::Table{}, {}}, {}, true};
  plugins.push_back(std::move(plugin));
}

std::vector<fs::path> Context::plugin_dirs() {
  std::vector<fs::path> dirs;
  for (const auto& dir : arguments_.values("plugin-dir")) dirs.push_back(fs::absolute(dir));
  for (const auto& dir : split_path(environment("FUSEBOX_PLUGIN_PATH").value_or("")))
    dirs.push_back(fs::absolute(dir));
  if (state_->config && !state_->config->plugin_dirs.empty()) {
    const auto& config = *state_->config;
    if (!plugin::TrustedFolders::read(trusted_folders_file()).contains(config.dir)) {
      throw Error(Errc::denied,
                  fmt::format("{} names plugin folders, and its folder is not trusted",
                              config.file.string()),
                  "read the file; when you trust what it runs: fusebox config trust");
    }
    dirs.insert(dirs.end(), config.plugin_dirs.begin(), config.plugin_dirs.end());
  }
  dirs.push_back(installed_plugin_dir());
  if (const auto data = user_data_dir()) dirs.push_back(*data / "plugins");
  return dirs;
}

const plugin::Catalog& Context::catalog() {
  if (!state_->catalog) {
    if (!state_->config && config_file()) config();
    state_->catalog = plugin::Catalog::discover(plugin_dirs());
  }
  return *state_->catalog;
}

plugin::Host& Context::host() {
  if (state_->host) return *state_->host;
  config();
  std::vector<config::Problem> problems;
  auto host = std::make_unique<plugin::Host>(config(), catalog(), store(), problems);
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
  state_->host = std::move(host);
  return *state_->host;
}

secrets::Store& Context::store() {
  if (!state_->store) {
    secrets::harden_process();
    state_->store.emplace();
  }
  return *state_->store;
}

const secrets::Redactor& Context::redactor() {
  if (!state_->redactor) state_->redactor.emplace(store());
  return *state_->redactor;
}

Watch& Context::watch() {
  if (!state_->watch) state_->watch = std::make_unique<Watch>(output_);
  return *state_->watch;
}

void Context::end_watch() { state_->watch.reset(); }

void Context::enter_scratch() {
  config();
  auto& config = *state_->config;
  config.scratch = config.stack + "-drill";
  config.live_state_dir = config.state_dir;
  config.state_dir /= "scratch";
}

plugin::CallContext Context::call(std::string what,
                                  std::optional<std::chrono::milliseconds> limit) {
  plugin::CallContext context;
  context.label = std::move(what);
  if (limit) context.deadline = std::chrono::steady_clock::now() + *limit;
  context.cancel = &watch().token();
  context.log = [this](plugin::LogLevel level, std::string_view text) {
    if (level >= plugin::LogLevel::warn) {
      output_.warn(util::sanitize_line(text));
    } else if (output_.is_verbose()) {
      output_.note(util::sanitize_line(text));
    }
  };
  return context;
}

const plugin::InstanceInfo& Context::runtime() { return host().provider(FBX_IFACE_RUNTIME); }

plan::Selection Context::selection() const {
  return {.skip = as_set(arguments_.values("skip", Arguments::Commas::split)),
          .only = as_set(arguments_.values("only", Arguments::Commas::split))};
}

}  // namespace fusebox::cli
