// SPDX-License-Identifier: Apache-2.0
#include "cli/help.hpp"

#include "cli/context.hpp"
#include "cli/contributed.hpp"
#include "cli/groups.hpp"
#include "cli/output.hpp"
#include "config/config.hpp"
#include "plugin/catalog.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <fusebox/plugin.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace fusebox::cli {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// "left\tright" lines.
Pairs split_pairs(std::string_view lines) {
  Pairs pairs;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    const auto tab = line.find('\t');
    pairs.emplace_back(line.substr(0, tab),
                       tab == std::string_view::npos ? "" : line.substr(tab + 1));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
  return pairs;
}

// Two columns; what is too wide for the first puts its second on a line of its own.
std::string columns(const Pairs& pairs, std::size_t widest) {
  std::size_t wide = 0;
  for (const auto& [left, right] : pairs) {
    if (left.size() <= widest) wide = std::max(wide, left.size());
  }
  std::string text;
  for (const auto& [left, right] : pairs) {
    if (right.empty()) {
      text += fmt::format("  {}\n", left);
    } else if (left.size() > wide) {
      text += fmt::format("  {}\n  {:{}}  {}\n", left, "", wide, right);
    } else {
      text += fmt::format("  {:{}}  {}\n", left, wide, right);
    }
  }
  return text;
}

std::string_view title(Group group) {
  switch (group) {
    case Group::stack:
      return "The stack";
    case Group::services:
      return "Its services";
    case Group::backup:
      return "Its backups";
    case Group::history:
      return "Its runs";
    case Group::setup:
      return "Set-up";
    case Group::other:
      return "Other";
  }
  return "";
}

// The commands of `group`; those of a group of commands in one line.
Pairs summaries(Group group) {
  Pairs pairs;
  for (const Command& command : commands()) {
    if (command.group != group) continue;
    const auto space = command.name.find(' ');
    const auto word = command.name.substr(0, space);
    if (space == std::string_view::npos) {
      pairs.emplace_back(command.name, command.summary);
    } else if (!pairs.empty() && pairs.back().first == word) {
      pairs.back().second += fmt::format(", {}", command.name.substr(space + 1));
    } else {
      pairs.emplace_back(word, command.name.substr(space + 1));
    }
  }
  return pairs;
}

std::string exit_codes_help(Exits exits) {
  Pairs pairs;
  for (const run::ExitCode code : exit_codes(exits)) {
    pairs.emplace_back(fmt::format("{}", run::to_int(code)), run::meaning(code));
  }
  const std::string_view first =
      exits == Exits::program ? "  The program's own. Of fusebox itself:\n" : "";
  return fmt::format("{}{}", first, columns(pairs, 3));
}

// False for a command of a plugin that is installed, but no part of this stack.
bool is_used(Context& context, const ContributedCommand& command) {
  if (command.plugin == nullptr) return true;
  if (!context.config_file()) return false;
  const auto& plugins = context.config().plugins;
  return std::any_of(plugins.begin(), plugins.end(),
                     [&](const auto& plugin) { return plugin.use == command.plugin->manifest.id; });
}

std::string group_help(std::string_view word, const Output& output) {
  Pairs pairs;
  for (const Command& command : commands()) {
    if (command.name.starts_with(fmt::format("{} ", word))) {
      pairs.emplace_back(fmt::format("{} {}", command.name, command.arguments), command.summary);
    }
  }
  return fmt::format("{}\n{}\nA word alone means the first. `fusebox {} --help` tells more.\n",
                     output.paint(Color::bold, fmt::format("Commands of `fusebox {}`", word)),
                     columns(pairs, 32), find_group(word)->name);
}

}  // namespace

std::string options_help(std::span<const OptionSpec> options) {
  Pairs pairs;
  for (const OptionSpec& option : options) {
    std::string left = option.letter != 0 ? fmt::format("-{}, --{}", option.letter, option.name)
                                          : fmt::format("    --{}", option.name);
    if (!option.value.empty()) left += fmt::format(" {}", option.value);
    pairs.emplace_back(std::move(left), option.help);
  }
  return columns(pairs, 28);
}

std::string command_help(const Command& command, const Output& output) {
  const auto heading = [&](std::string_view text) { return output.paint(Color::bold, text); };
  std::string text =
      fmt::format("{}.\n\n{} fusebox {}{}{} [options]\n", command.summary, heading("Usage:"),
                  command.name, command.arguments.empty() ? "" : " ", command.arguments);
  if (!command.details.empty()) text += fmt::format("\n{}\n", command.details);
  if (!command.options.empty()) {
    text += fmt::format("\n{}\n{}", heading("Options"), options_help(command.options));
  }
  text += fmt::format("\n{}\n{}", heading("Examples"), columns(split_pairs(command.examples), 44));
  text +=
      fmt::format("\n{}\n{}", heading("Options of every command"), options_help(global_options()));
  text += fmt::format("\n{}\n{}", heading("Exit codes"), exit_codes_help(command.exits));
  return text;
}

std::string overview(const Pairs& contributed, const Output& output) {
  std::string text = fmt::format(
      "fusebox runs a self-hosted Langfuse through its whole life.\n\n{} fusebox COMMAND "
      "[options]\n",
      output.paint(Color::bold, "Usage:"));
  constexpr std::array groups = {Group::stack,   Group::services, Group::backup,
                                 Group::history, Group::setup,    Group::other};
  for (const Group group : groups) {
    text += fmt::format("\n{}\n{}", output.paint(Color::bold, title(group)),
                        columns(summaries(group), 20));
  }
  if (!contributed.empty()) {
    text += fmt::format("\n{}\n{}", output.paint(Color::bold, "Commands of this stack"),
                        columns(contributed, 20));
  }
  text += "\n`fusebox COMMAND --help` shows options, examples and exit codes.\n";
  return text;
}

int print_help(Context& context) {
  Output& out = context.out();
  const auto& words = context.args().positionals;
  if (words.empty()) {
    Pairs pairs;
    try {
      for (const auto& command : contributed_commands(context)) {
        if (is_used(context, command)) pairs.emplace_back(command.name, command.summary);
      }
    } catch (const Error& error) {
      out.note(fmt::format("This stack's own commands are not shown: {}", error.what()));
    }
    out.write(overview(pairs, out));
    return 0;
  }
  const std::string name = fmt::format("{}", fmt::join(words, " "));
  if (const Command* command = find_command(name)) {
    out.write(command_help(*command, out));
  } else if (find_group(name) != nullptr) {
    out.write(group_help(name, out));
  } else {
    return run_contributed({words, {"--help"}}, out);
  }
  return 0;
}

int print_version(Context& context) {
  const auto abi = fmt::format("1.{}", FBX_ABI_MINOR);
  if (context.out().is_json()) {
    context.out().json(boost::json::object{{"version", FUSEBOX_VERSION}, {"abi", abi}});
  } else {
    context.out().print("fusebox {} (plugin ABI {})\n", FUSEBOX_VERSION, abi);
  }
  return 0;
}

}  // namespace fusebox::cli
