// SPDX-License-Identifier: Apache-2.0
#include "cli/contributed.hpp"

#include "cli/context.hpp"
#include "cli/help.hpp"
#include "cli/phase_runner.hpp"
#include "cli/program.hpp"
#include "config/config.hpp"
#include "plan/plan.hpp"
#include "plugin/host.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <set>

namespace fusebox::cli {

namespace {

// A verb's options as command-line options. Holds the texts that the specs point to.
struct VerbOptions {
  std::deque<std::string> texts;
  std::vector<OptionSpec> specs;
  std::string_view argument;  // "[PATH]": what stands for a word without a name

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

std::string_view placeholder(config::FieldType type) {
  using enum config::FieldType;
  switch (type) {
    case boolean:
      return "";
    case integer:
      return "N";
    case number:
      return "NUMBER";
    case port:
      return "PORT";
    case duration:
      return "DURATION";
    case size:
      return "SIZE";
    case path:
      return "PATH";
    default:
      return "TEXT";
  }
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

// Tables and secrets have no form on a command line; `with` in a phase takes them.
bool fits_command_line(const config::Field& field) {
  using enum config::FieldType;
  if (field.type == list) return field.of != nullptr && fits_command_line(*field.of);
  return field.type != map && field.type != table && field.type != secret;
}

// `argument` is given without its name.
VerbOptions verb_options(const config::Schema& schema, const std::string& argument) {
  VerbOptions options;
  for (const auto& [name, field] : schema) {
    if (name == argument) {
      options.argument = options.keep(fmt::format("[{}]", upper(name)));
      continue;
    }
    if (!fits_command_line(field)) continue;
    const auto& item = field.type == config::FieldType::list ? *field.of : field;
    auto value =
        field.type == config::FieldType::boolean ? std::string_view() : placeholder(item.type);
    if (!field.choices.empty())
      value = options.keep(fmt::format("{}", fmt::join(field.choices, "|")));
    options.specs.push_back({options.keep(name), 0, value, options.keep(field.description)});
  }
  return options;
}

config::Value typed_value(const std::string& text, const config::Field& field,
                          const std::string& option) {
  config::Value value;
  value.origin.source = fmt::format("--{}", option);
  value.data = text;
  using enum config::FieldType;
  if (field.type == integer || field.type == port || field.type == number) {
    std::int64_t whole = 0;
    const char* end = text.data() + text.size();
    char* real_end = nullptr;
    const double real = std::strtod(text.c_str(), &real_end);
    if (std::from_chars(text.data(), end, whole).ptr == end) {
      value.data = whole;
    } else if (field.type == number && !text.empty() && real_end == end) {
      value.data = real;
    }
  } else if (field.type == boolean) {
    value.data = true;
  }
  return value;
}

config::Value with_from(const Arguments& arguments, const config::Schema& schema) {
  config::Table table;
  for (const auto& [name, field] : schema) {
    if (!arguments.has(name)) continue;
    if (field.type != config::FieldType::list) {
      table.set(name, typed_value(arguments.value(name).value_or(""), field, name));
      continue;
    }
    config::List items;
    for (const auto& text : arguments.values(name))
      items.push_back(typed_value(text, *field.of, name));
    table.set(name, {std::move(items), {fmt::format("--{}", name)}});
  }
  return {std::move(table), {"the command line"}};
}

// The one instance of `plugin` in this stack.
std::string instance_of(Context& context, const ContributedCommand& command) {
  const auto& id = command.plugin->manifest.id;
  std::vector<std::string> names;
  for (const auto& instance : context.host().instances()) {
    if (instance.plugin->manifest.id == id) names.push_back(instance.name);
  }
  const auto& only = context.selection().only;
  if (names.size() > 1)
    std::erase_if(names, [&](const auto& name) { return !only.empty() && only.count(name) == 0; });
  if (names.empty()) {
    throw Error(Errc::config,
                fmt::format("`fusebox {}` needs the plugin {}, which this stack does not use",
                            command.name, id),
                fmt::format("add [plugins.{}] to {}", id, context.config().file.string()));
  }
  if (names.size() > 1) {
    throw Error(Errc::argument, fmt::format("{} use the plugin {}", fmt::join(names, " and "), id),
                fmt::format("choose one: --only {}", names.front()));
  }
  return names.front();
}

// Help of a contributed command reads like help of any other.
Command described(const ContributedCommand& command, const VerbOptions& options,
                  std::string_view examples) {
  Command result{};
  result.name = command.name;
  result.group = Group::other;
  result.summary = command.summary;
  result.examples = examples;
  result.options = options.specs;
  result.exits = command.program != nullptr ? Exits::program : Exits::phase;
  if (command.program != nullptr) {
    result.arguments = "[-- ARG...]";
    result.arity = {0, 0, 0};
  } else if (!command.plugin_command->argument.empty()) {
    result.arguments = options.argument;
    result.arity = {0, 1};
  }
  return result;
}

int run_plugin_command(Context& context, const ContributedCommand& command,
                       const plugin::Verb& verb) {
  config::StepConfig step;
  step.instance = instance_of(context, command);
  step.verb = verb.name;
  step.with = with_from(context.args(), verb.options);
  step.origin.source = fmt::format("fusebox {}", command.name);
  config::PhaseConfig phase;
  phase.name = command.name;
  phase.groups.push_back({step});
  phase.on_failure = verb.undo ? config::OnFailure::undo : config::OnFailure::stop;
  phase.origin = step.origin;
  context.replace_phase(std::move(phase));
  const auto& document = command.plugin_command->document;
  if (!document.empty() && context.args().has(document)) context.print_documents();
  return execute_phase(context, command.name);
}

// One of fusebox's own would win without a word.
void refuse_own_options(const ContributedCommand& command, const VerbOptions& options) {
  for (const OptionSpec& spec : options.specs) {
    const std::string word = fmt::format("--{}", spec.name);
    if (find_option(word, global_options()) == nullptr) continue;
    throw Error(
        Errc::config,
        fmt::format("`fusebox {}` has an option {}, which is fusebox's own", command.name, word),
        fmt::format("{} has to name it otherwise: tell its author", command.plugin->manifest.id));
  }
}

int run_described(const ContributedCommand& command, const std::vector<std::string>& words,
                  Output& output) {
  const plugin::Verb* verb = nullptr;
  VerbOptions options;
  std::string examples = fmt::format("fusebox {}\t{}", command.name, command.summary);
  if (command.plugin_command != nullptr) {
    verb = &command.plugin->manifest.verbs.at(command.plugin_command->verb);
    options = verb_options(verb->options, command.plugin_command->argument);
    refuse_own_options(command, options);
    const auto& given = command.plugin_command->examples;
    if (!given.empty()) examples = fmt::format("{}", fmt::join(given, "\n"));
  }
  const Command description = described(command, options, examples);
  Arguments arguments =
      parse_arguments(command.name, words, options.specs, description.arity, description.arguments);
  if (arguments.has("help")) {
    output.write(command_help(description, output));
    return 0;
  }
  if (verb != nullptr && !arguments.positionals.empty())
    arguments.options[command.plugin_command->argument] = {arguments.positionals.front()};
  Context context(std::move(arguments), output);
  if (verb != nullptr && !command.plugin_command->needs_config)
    context.use_plugin(command.plugin->manifest.id);
  context.prepare(Needs::stack);
  return verb != nullptr ? run_plugin_command(context, command, *verb)
                         : run_configured_program(context, *command.program);
}

// What the whole line says through global options, before the command's own are known.
Arguments global_arguments(const std::vector<std::string>& words) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const OptionSpec* spec = find_option(words[i], global_options());
    if (spec == nullptr) continue;
    known.push_back(words[i]);
    if (value_follows(words[i], *spec) && i + 1 < words.size()) known.push_back(words[++i]);
  }
  return parse_arguments("", known, {}, {}, "");
}

// The words that may name the command, and what is left without so many of them. Global options may
// stand before and between.
struct Named {
  std::string name;
  std::vector<std::string> rest;
};

std::vector<Named> possible_names(const CommandLine& line) {
  const auto name = fmt::format("{}", fmt::join(line.name, " "));
  std::vector<Named> names{{name, line.rest}};
  std::size_t i = 0;
  for (; i < line.rest.size() && line.rest[i].starts_with('-') && line.rest[i] != "--"; ++i) {
    const OptionSpec* spec = find_option(line.rest[i], global_options());
    if (spec != nullptr && value_follows(line.rest[i], *spec)) ++i;
  }
  if (line.name.size() != 1 || i >= line.rest.size() || line.rest[i] == "--") return names;
  Named longer{fmt::format("{} {}", name, line.rest[i]), line.rest};
  longer.rest.erase(longer.rest.begin() + static_cast<std::ptrdiff_t>(i));
  names.insert(names.begin(), std::move(longer));
  return names;
}

[[noreturn]] void unknown_command(const std::string& word,
                                  const std::vector<ContributedCommand>& contributed,
                                  const std::optional<Error>& config_error, Context& context) {
  std::vector<std::string> names;
  for (const Command& command : commands())
    names.emplace_back(command.name.substr(0, command.name.find(' ')));
  for (const auto& command : contributed) names.push_back(command.name);
  const auto near = config::nearest(word, names);
  std::string hint = "`fusebox help` lists all commands";
  if (near) {
    hint = fmt::format("did you mean `fusebox {}`? {}", *near, hint);
  } else if (config_error) {
    throw Error(
        config_error->code(),
        fmt::format(
            "\"{}\" is none of fusebox's own commands, and this stack's cannot be read:\n{}", word,
            config_error->what()),
        config_error->hint());
  } else if (!context.config_file()) {
    hint = "a stack's own commands need its file: go to its folder, or use -c FILE; " + hint;
  } else if (context.config().phase(word) != nullptr) {
    hint = fmt::format("it is a phase: `fusebox run {}`", word);
  }
  throw Error(Errc::argument, fmt::format("unknown command \"{}\"", word), hint);
}

// Their ids, as far as the configuration tells without being checked.
std::set<std::string> used_plugins(Context& context) {
  std::set<std::string> ids;
  if (context.config_file())
    for (const auto& plugin : context.config().plugins) ids.insert(plugin.use);
  return ids;
}

}  // namespace

std::vector<ContributedCommand> contributed_commands(Context& context) {
  std::vector<ContributedCommand> found;
  const auto add = [&](ContributedCommand command) {
    const bool taken = find_command(command.name) != nullptr ||
                       find_group(command.name) != nullptr ||
                       std::any_of(found.begin(), found.end(),
                                   [&](const auto& other) { return other.name == command.name; });
    if (!taken) found.push_back(std::move(command));
  };
  if (context.config_file()) {
    for (const auto& command : context.config().commands) {
      const auto summary =
          command.help.empty()
              ? fmt::format("Run {} beside {}", command.command.front(), command.service)
              : command.help;
      add({command.name, summary, &command, nullptr, nullptr});
    }
  }
  // Plugins of one kind offer the same commands: those that this stack uses come first.
  const auto used = used_plugins(context);
  for (const bool is_used : {true, false}) {
    for (const auto& plugin : context.catalog().all()) {
      if (used.contains(plugin.manifest.id) != is_used) continue;
      for (const auto& command : plugin.manifest.commands)
        add({command.name, command.summary, nullptr, &command, &plugin});
    }
  }
  return found;
}

int run_contributed(const CommandLine& line, Output& output) {
  std::vector<std::string> words = line.name;
  words.insert(words.end(), line.rest.begin(), line.rest.end());
  Context context(global_arguments(words), output);
  std::vector<ContributedCommand> contributed;
  std::optional<Error> config_error;
  try {
    contributed = contributed_commands(context);
  } catch (const Error& error) {
    config_error = error;
  }
  for (const auto& [name, rest] : possible_names(line)) {
    const auto command = std::find_if(contributed.begin(), contributed.end(),
                                      [&](const auto& other) { return other.name == name; });
    if (command != contributed.end()) return run_described(*command, rest, output);
  }
  unknown_command(words[0], contributed, config_error, context);
}

}  // namespace fusebox::cli
