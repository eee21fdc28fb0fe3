// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/config_error.hpp"
#include "config/layers.hpp"
#include "config/reader.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>

namespace fusebox::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_form = "use a-z, 0-9 and -, with a letter first";
constexpr std::int64_t most_retries = 100;

// The folder that holds the state of every program of this user; nothing without a home.
std::optional<fs::path> state_home() {
  // NOLINTBEGIN(concurrency-mt-unsafe): nothing in the core writes the environment
  const char* home = std::getenv("HOME");
#if defined(__APPLE__)
  if (home != nullptr) return fs::path(home) / "Library/Application Support";
#else
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && fs::path(state).is_absolute()) return fs::path(state);
  if (home != nullptr) return fs::path(home) / ".local/state";
#endif
  // NOLINTEND(concurrency-mt-unsafe)
  return std::nullopt;
}

class Extractor {
 public:
  Extractor(Config& config, std::vector<Problem>& problems)
      : config_(config), problems_(problems) {}

  void run() {
    const Table& root = *config_.root.get_if<Table>();
    TableReader reader(root, config_.root.origin, "", problems_);
    read_stack(reader);
    each_table(reader, "plugins", &Extractor::read_plugin);
    read_use(reader);
    each_table(reader, "phases", &Extractor::read_phase);
    each_table(reader, "commands", &Extractor::read_command);
    reader.finish();
    add_implied();
  }

 private:
  using Read = void (Extractor::*)(const std::string& name, const Table&, TableReader&);

  // Every member of [key] is a table with a well-formed name.
  void each_table(TableReader& root, std::string_view key, Read read) {
    const Table* members = root.table(key);
    if (members == nullptr) return;
    for (const auto& [name, value] : *members) {
      const std::string where = fmt::format("[{}.{}]", key, name);
      const Table* table = value.get_if<Table>();
      if (!is_name(name)) {
        problems_.push_back({value.origin,
                             fmt::format("{} in [{}] is not a name", quote(name), key),
                             std::string(name_form)});
      } else if (table == nullptr) {
        problems_.push_back(
            {value.origin,
             fmt::format("{} must be a table, not {}", where, with_article(value.type_name())),
             ""});
      } else {
        TableReader reader(*table, value.origin, where, problems_);
        (this->*read)(name, *table, reader);
      }
    }
  }

  fs::path path(const Table& table, std::string_view key, const std::string& text) const {
    const Origin& origin = table.find(key)->origin;
    return resolve_path(text, origin, config_.root.origin);
  }

  void read_stack(TableReader& root) {
    static const Table none;
    const Table* found = root.table("stack");
    const Value* value = root.any("stack");
    if (found == nullptr && value != nullptr) return;
    const Table& table = found == nullptr ? none : *found;
    TableReader reader(table, value == nullptr ? config_.root.origin : value->origin, "[stack]",
                       problems_);
    if (const std::string* name = reader.required_text("name", "name = \"langfuse\"")) {
      if (is_stack_name(*name)) {
        config_.stack = *name;
      } else {
        reader.problem(table.find("name")->origin,
                       fmt::format("{} is not a stack's name", quote(*name)),
                       "use a-z, 0-9, - and _, with a letter or digit first");
      }
    }
    if (const std::string* text = reader.text("versions"))
      config_.versions = path(table, "versions", *text);
    if (const std::string* text = reader.text("state_dir")) {
      config_.state_dir = path(table, "state_dir", *text);
    } else if (const auto home = state_home()) {
      config_.state_dir = *home / "fusebox" / config_.stack;
    } else {
      reader.problem(reader.origin(), "no folder for the stack's state: HOME is not set",
                     "set HOME, or [stack] state_dir");
    }
    for (const std::string& text : reader.texts("plugin_dirs")) {
      config_.plugin_dirs.push_back(path(table, "plugin_dirs", text));
    }
    reader.finish();
  }

  void read_plugin(const std::string& name, const Table& table, TableReader& reader) {
    PluginConfig plugin{name, name, Value{table, reader.origin()}, reader.origin(), false};
    if (const std::string* use = reader.text("use", is_name, name_form)) plugin.use = *use;
    if (const Value* isolation = reader.any("isolation")) {
      reader.problem(
          isolation->origin,
          fmt::format("\"isolation\" {} is reserved for a later version", in_where(reader.where())),
          "remove it");
    }
    Table& settings = *plugin.settings.get_if<Table>();
    settings.erase("use");
    settings.erase("isolation");
    config_.plugins.push_back(std::move(plugin));
  }

  void read_use(TableReader& root) {
    const Table* table = root.table("use");
    if (table == nullptr) return;
    for (const auto& [area, value] : *table) {
      const auto* instance = value.get_if<std::string>();
      if (instance == nullptr) {
        problems_.push_back(wrong_type(value, area, "[use]", "string"));
      } else if (!is_name(*instance)) {
        problems_.push_back({value.origin,
                             fmt::format("{} in [use] is not a plugin's name", quote(*instance)),
                             std::string(name_form)});
      } else {
        config_.use.emplace(area, *instance);
        wanted_.emplace_back(*instance, value.origin);
      }
    }
  }

  void read_phase(const std::string& name, const Table& table, TableReader& reader) {
    PhaseConfig phase;
    phase.name = name;
    phase.origin = reader.origin();
    if (const std::string* text = reader.text("on_failure")) {
      read_on_failure(*text, table.find("on_failure")->origin, reader, phase);
    }
    const List* steps = reader.list("steps");
    if (steps == nullptr && reader.any("steps") == nullptr) {
      reader.problem(reader.origin(), fmt::format("{} has no \"steps\"", reader.where()),
                     "write steps = [\"<plugin>.<verb>\"]");
    }
    for (std::size_t i = 0; steps != nullptr && i < steps->size(); ++i) {
      read_group((*steps)[i], fmt::format("{} steps[{}]", reader.where(), i), phase);
    }
    reader.finish();
    config_.phases.push_back(std::move(phase));
  }

  static void read_on_failure(const std::string& text, const Origin& origin, TableReader& reader,
                              PhaseConfig& phase) {
    static const std::vector<std::string> choices = {"undo", "stop", "continue"};
    const auto found = std::ranges::find(choices, text);
    if (found == choices.end()) {
      reader.problem(origin,
                     fmt::format("\"on_failure\" {} must be one of {}, not {}",
                                 in_where(reader.where()), quote_all(choices), quote(text)),
                     did_you_mean(text, choices));
      return;
    }
    constexpr std::array values = {OnFailure::undo, OnFailure::stop, OnFailure::keep_going};
    phase.on_failure = values.at(static_cast<std::size_t>(found - choices.begin()));
  }

  void read_group(const Value& value, const std::string& where, PhaseConfig& phase) {
    std::vector<StepConfig> group;
    const List* members = value.get_if<List>();
    if (members == nullptr) {
      read_step(value, where, group);
    } else if (members->empty()) {
      problems_.push_back({value.origin, fmt::format("{} is an empty group", where), "remove it"});
    }
    for (std::size_t i = 0; members != nullptr && i < members->size(); ++i) {
      const std::string inner = fmt::format("{}[{}]", where, i);
      if ((*members)[i].get_if<List>() != nullptr) {
        problems_.push_back(
            {(*members)[i].origin, fmt::format("{} is a group within a group", inner),
             "the steps of a group run in parallel; put groups one after the other"});
      } else {
        read_step((*members)[i], inner, group);
      }
    }
    if (!group.empty()) phase.groups.push_back(std::move(group));
  }

  void read_step(const Value& value, const std::string& where, std::vector<StepConfig>& group) {
    StepConfig step;
    step.origin = value.origin;
    step.with = Value{Table(), value.origin};
    if (const auto* text = value.get_if<std::string>()) {
      if (read_step_name(*text, value.origin, where, step)) group.push_back(std::move(step));
      return;
    }
    const Table* table = value.get_if<Table>();
    if (table == nullptr) {
      problems_.push_back(
          {value.origin,
           fmt::format("{} must be a step, not {}", where, with_article(value.type_name())),
           "write \"<plugin>.<verb>\" or { step = \"<plugin>.<verb>\", timeout = \"30s\" }"});
      return;
    }
    TableReader reader(*table, value.origin, where, problems_);
    const std::string* name = reader.required_text("step", "step = \"<plugin>.<verb>\"");
    const bool good =
        name != nullptr && read_step_name(*name, table->find("step")->origin, where, step);
    if (const auto timeout = reader.duration("timeout")) {
      step.timeout = std::chrono::milliseconds(*timeout);
      if (*timeout == 0)
        reader.problem(table->find("timeout")->origin,
                       fmt::format("\"timeout\" {} is zero", in_where(where)));
    }
    if (const std::int64_t* retries = reader.integer("retries")) {
      if (*retries < 0 || *retries > most_retries) {
        reader.problem(table->find("retries")->origin,
                       fmt::format("\"retries\" {} must be 0 to {}, not {}", in_where(where),
                                   most_retries, *retries));
      } else {
        step.retries = static_cast<int>(*retries);
      }
    }
    if (reader.table("with") != nullptr) step.with = *table->find("with");
    reader.finish();
    if (good) group.push_back(std::move(step));
  }

  bool read_step_name(const std::string& text, const Origin& origin, const std::string& where,
                      StepConfig& step) {
    const std::size_t dot = text.find('.');
    step.instance = text.substr(0, dot);
    if (dot != std::string::npos) step.verb = text.substr(dot + 1);
    if (is_name(step.instance) && is_name(step.verb)) {
      wanted_.emplace_back(step.instance, origin);
      return true;
    }
    problems_.push_back({origin, fmt::format("{} is not a step: {}", where, quote(text)),
                         "write \"<plugin>.<verb>\""});
    return false;
  }

  void read_command(const std::string& name, const Table& table, TableReader& reader) {
    CommandConfig command;
    command.name = name;
    command.origin = reader.origin();
    if (const std::string* text = reader.text("help")) command.help = *text;
    if (const std::string* text = reader.required_text("service", "service = \"postgres\""))
      command.service = *text;
    command.command = reader.texts("command");
    const Value* words = reader.any("command");
    if (words == nullptr) {
      reader.problem(reader.origin(), fmt::format("{} has no \"command\"", reader.where()),
                     "write command = [\"psql\"]");
    } else if (command.command.empty() && words->get_if<List>() != nullptr &&
               words->get_if<List>()->empty()) {
      reader.problem(words->origin,
                     fmt::format("\"command\" {} is empty", in_where(reader.where())),
                     "write command = [\"psql\"]");
    }
    command.environment = Value{Table(), reader.origin()};
    if (const Table* variables = reader.table("environment")) {
      command.environment = *table.find("environment");
      check_environment(*variables, reader.where());
    }
    reader.finish();
    config_.commands.push_back(std::move(command));
  }

  void check_environment(const Table& variables, const std::string& where) {
    for (const auto& [name, value] : variables) {
      if (value.get_if<std::string>() == nullptr && !secret_handle(value)) {
        problems_.push_back(wrong_type(value, "environment." + name, where, "string",
                                       "write text, or { secret = \"NAME\" }"));
      }
    }
  }

  // A plugin without settings needs no table: a step or [use] that names it is enough.
  void add_implied() {
    for (const auto& [instance, origin] : wanted_) {
      if (config_.plugin(instance) != nullptr) continue;
      config_.plugins.push_back({instance, instance, Value{Table(), origin}, origin, true});
    }
  }

  Config& config_;
  std::vector<Problem>& problems_;
  std::vector<std::pair<std::string, Origin>> wanted_;
};

}  // namespace

const PhaseConfig* Config::phase(std::string_view name) const {
  const auto found = std::ranges::find(phases, name, &PhaseConfig::name);
  return found == phases.end() ? nullptr : &*found;
}

const PluginConfig* Config::plugin(std::string_view instance) const {
  const auto found = std::ranges::find(plugins, instance, &PluginConfig::instance);
  return found == plugins.end() ? nullptr : &*found;
}

Config load(const LoadOptions& options) { return load(read_layers(options.file), options); }

Config load(Value root, const LoadOptions& options) {
  std::vector<Problem> problems;
  Config config;
  config.file = fs::absolute(options.file).lexically_normal();
  config.dir = config.file.parent_path();
  config.root = std::move(root);
  apply_overrides(config.root, options, problems);
  Extractor(config, problems).run();
  if (!problems.empty()) {
    std::ranges::stable_sort(problems, {}, [](const Problem& problem) {
      const Origin& origin = problem.origin;
      return std::tuple(origin.line == 0, origin.source, origin.line, origin.column);
    });
    throw ConfigError(std::move(problems));
  }
  return config;
}

std::optional<std::filesystem::path> find_config(const std::filesystem::path& start) {
  std::error_code ignored;
  for (fs::path folder = fs::absolute(start).lexically_normal();; folder = folder.parent_path()) {
    fs::path file = folder / "fusebox.toml";
    if (fs::is_regular_file(file, ignored)) return file;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

}  // namespace fusebox::config
