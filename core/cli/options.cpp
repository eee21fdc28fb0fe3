// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include "config/schema.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <boost/program_options.hpp>

#include <algorithm>

namespace fusebox::cli {

namespace po = boost::program_options;

namespace {

using Words = std::vector<std::string>;

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

[[noreturn]] void unknown_option(std::string_view word, std::span<const OptionSpec> own,
                                 const std::string& command) {
  std::vector<std::string> names;
  for (const auto& specs : {own, global_options()}) {
    for (const OptionSpec& spec : specs) names.push_back(fmt::format("--{}", spec.name));
  }
  const auto shown = word.substr(0, word.find('='));
  const auto near = config::nearest(shown, names);
  const std::string help =
      command.empty() ? "fusebox help" : fmt::format("fusebox {} --help", command);
  throw Error(Errc::argument,
              command.empty() ? fmt::format("unknown option {}", shown)
                              : fmt::format("unknown option {} for `fusebox {}`", shown, command),
              near ? fmt::format("did you mean {}? `{}` lists all", *near, help)
                   : fmt::format("`{}` lists all options", help));
}

void describe(po::options_description& description, std::span<const OptionSpec> specs) {
  for (const OptionSpec& spec : specs) {
    std::string name(spec.name);
    if (spec.letter != 0) name += fmt::format(",{}", spec.letter);
    if (spec.value.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
}

// Moves what belongs to a program from `words` to the result: all after "--", and all from the
// argument that `arity` names.
Words take_program(Words& words, std::span<const OptionSpec> all, const Arity& arity) {
  std::size_t positionals = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool separator = words[i] == "--";
    if (!separator && is_option(words[i])) {
      const OptionSpec* spec = find_option(words[i], all);
      if (spec != nullptr && value_follows(words[i], *spec)) ++i;
      continue;
    }
    if (separator || positionals == arity.program_from) {
      const auto from = words.begin() + static_cast<std::ptrdiff_t>(i);
      Words program(from + (separator ? 1 : 0), words.end());
      words.erase(from, words.end());
      return program;
    }
    ++positionals;
  }
  return {};
}

void check_arity(const Arguments& arguments, const Arity& arity, std::string_view help) {
  const auto usage =
      fmt::format("usage: fusebox {}{}{}", arguments.command, help.empty() ? "" : " ", help);
  if (arguments.positionals.size() < arity.least) {
    throw Error(Errc::argument,
                fmt::format("`fusebox {}` needs {}", arguments.command,
                            arity.least == 1 ? "an argument" : "more arguments"),
                usage);
  }
  if (arguments.positionals.size() > arity.most) {
    throw Error(Errc::argument,
                fmt::format("`fusebox {}` takes no argument \"{}\"", arguments.command,
                            arguments.positionals[arity.most]),
                usage);
  }
  if (!arguments.program.empty() && arity.program_from == unlimited) {
    throw Error(Errc::argument,
                fmt::format("`fusebox {}` takes no program after --", arguments.command), usage);
  }
}

}  // namespace

const OptionSpec* find_option(std::string_view word, std::span<const OptionSpec> specs) {
  if (!is_option(word)) return nullptr;
  const bool is_long = word.starts_with("--");
  const auto name = is_long ? word.substr(2, word.find('=') - 2) : word.substr(1, 1);
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec& spec) {
    return is_long ? spec.name == name : spec.letter == name[0];
  });
  return found == specs.end() ? nullptr : &*found;
}

bool value_follows(std::string_view word, const OptionSpec& spec) {
  if (spec.value.empty()) return false;
  return word.starts_with("--") ? word.find('=') == std::string_view::npos : word.size() == 2;
}

bool Arguments::has(std::string_view option) const { return options.find(option) != options.end(); }

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options.find(option);
  if (found == options.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view option, Commas commas) const {
  const auto found = options.find(option);
  if (found == options.end()) return {};
  if (commas == Commas::keep) return found->second;
  Words parts;
  for (std::string_view text : found->second) {
    while (true) {
      const auto comma = text.find(',');
      if (comma != 0 && !text.empty()) parts.emplace_back(text.substr(0, comma));
      if (comma == std::string_view::npos) break;
      text.remove_prefix(comma + 1);
    }
  }
  return parts;
}

CommandLine split_command(std::span<const std::string> words) {
  CommandLine line;
  std::size_t i = 0;
  for (; i < words.size() && is_option(words[i]) && words[i] != "--"; ++i) {
    const OptionSpec* spec = find_option(words[i], global_options());
    if (spec == nullptr) unknown_option(words[i], {}, "");
    line.rest.push_back(words[i]);
    if (value_follows(words[i], *spec) && i + 1 < words.size()) line.rest.push_back(words[++i]);
  }
  if (i < words.size() && words[i] != "--") {
    line.name.push_back(words[i++]);
    const bool two = i < words.size() && find_command(line.name[0] + " " + words[i]) != nullptr;
    if (two) line.name.push_back(words[i++]);
  }
  line.rest.insert(line.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
  return line;
}

Arguments parse_arguments(const std::string& command, std::span<const std::string> words,
                          std::span<const OptionSpec> own, const Arity& arity,
                          std::string_view arguments_help) {
  std::vector<OptionSpec> all(own.begin(), own.end());
  all.insert(all.end(), global_options().begin(), global_options().end());

  Arguments arguments;
  arguments.command = command;
  Words parsed(words.begin(), words.end());
  arguments.program = take_program(parsed, all, arity);

  po::options_description description;
  describe(description, all);
  try {
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const auto result = po::command_line_parser(parsed).options(description).style(style).run();
    for (const auto& option : result.options) {
      if (option.string_key.empty()) {
        arguments.positionals.insert(arguments.positionals.end(), option.value.begin(),
                                     option.value.end());
      } else {
        auto& values = arguments.options[option.string_key];
        values.insert(values.end(), option.value.begin(), option.value.end());
      }
    }
  } catch (const po::unknown_option& error) {
    unknown_option(error.get_option_name(), own, command);
  } catch (const po::error_with_option_name& error) {
    const auto name = error.get_option_name();
    const OptionSpec* spec = find_option(name, all);
    if (spec == nullptr) unknown_option(name, own, command);
    throw Error(
        Errc::argument,
        spec->value.empty() ? fmt::format("--{} takes no value", spec->name)
                            : fmt::format("--{} needs a value", spec->name),
        fmt::format("write --{}{}{}", spec->name, spec->value.empty() ? "" : "=", spec->value));
  } catch (const po::error& error) {
    throw Error(Errc::argument, fmt::format("cannot understand the command line: {}", error.what()),
                fmt::format("`fusebox {} --help` shows how", command));
  }
  if (!arguments.has("help")) check_arity(arguments, arity, arguments_help);
  return arguments;
}

}  // namespace fusebox::cli
