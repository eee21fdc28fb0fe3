// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

namespace fusebox::cli {

namespace {

std::string_view first_word(const Command& command) {
  return command.name.substr(0, command.name.find(' '));
}

std::string_view second_word(const Command& command) {
  const auto space = command.name.find(' ');
  return space == std::string_view::npos ? std::string_view() : command.name.substr(space + 1);
}

// Words that may stand first, in the table's order.
std::vector<std::string_view> first_words() {
  std::vector<std::string_view> words;
  for (const Command& command : commands()) {
    if (words.empty() || words.back() != first_word(command)) words.push_back(first_word(command));
  }
  return words;
}

std::string option_words(std::span<const OptionSpec> options) {
  std::string words;
  for (const OptionSpec& option : options) {
    if (option.letter != 0) words += fmt::format("-{} ", option.letter);
    words += fmt::format("--{} ", option.name);
  }
  return words;
}

// The patterns of a shell's `case` for options whose value is the next word.
std::string value_patterns() {
  std::set<std::string> patterns;
  const auto add = [&](std::span<const OptionSpec> options) {
    for (const OptionSpec& option : options) {
      if (option.value.empty()) continue;
      patterns.insert(fmt::format("--{}", option.name));
      if (option.letter != 0) patterns.insert(fmt::format("-{}", option.letter));
    }
  };
  add(global_options());
  for (const Command& command : commands()) add(command.options);
  return fmt::format("{}", fmt::join(patterns, "|"));
}

// Text inside '...' of zsh and fish; the table has no quotes to care for but this one.
std::string quoted(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result;
}

// For zsh's _arguments, in which brackets and colons mean something.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : quoted(text)) {
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string words_of_groups(std::string_view line) {
  std::map<std::string_view, std::vector<std::string_view>> groups;
  for (const Command& command : commands()) {
    if (!second_word(command).empty()) groups[first_word(command)].push_back(second_word(command));
  }
  std::string text;
  for (const auto& [group, words] : groups)
    text += fmt::format(fmt::runtime(line), group, fmt::join(words, " "));
  return text;
}

}  // namespace

std::string_view to_string(Completes kind) {
  switch (kind) {
    case Completes::services:
      return "services";
    case Completes::phases:
      return "phases";
    case Completes::instances:
      return "instances";
    case Completes::plugins:
      return "plugins";
    case Completes::runs:
      return "runs";
    case Completes::commands:
      return "commands";
    case Completes::nothing:
    case Completes::shells:
    case Completes::files:
      break;
  }
  return "";
}

std::string bash_completion() {
  std::string cases;
  for (const Command& command : commands()) {
    const auto asked = to_string(command.completes);
    cases += fmt::format("    '{}') options='{}'; kind='{}' ;;\n", command.name,
                         option_words(command.options), asked);
  }
  return fmt::format(
      R"script(# bash completion for fusebox. Load it with: source <(fusebox completion bash)
_fusebox() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' group='' options='' kind='' word i
  local -a stack=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${{COMP_WORDS[i]}}
    case $word in
      --) return ;;
      -c|--config|--set|--use|--plugin-dir) stack+=("$word" "${{COMP_WORDS[i+1]}}"); ((++i)) ;;
      {0}) ((++i)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=$word
         elif [[ -n $group && $command == "$group" ]]; then command="$group $word"; fi
         case $command in {1}) group=$command ;; esac ;;
    esac
  done
  case $previous in
    -c|--config) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --plugin-dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --skip|--only) mapfile -t COMPREPLY < <(compgen -W "$(fusebox complete "${{stack[@]}}" instances 2>/dev/null)" -- "$current"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json mermaid' -- "$current"); return ;;
    {0}) return ;;
  esac
  case $command in
{2}  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options{3}" -- "$current")
    return
  fi
  local words=''
  case $command in
    '') words="{4} $(fusebox complete "${{stack[@]}}" commands 2>/dev/null)" ;;
    help) words='{4}' ;;
    completion) words='bash zsh fish' ;;
{5}    *) [[ -n $kind ]] && words=$(fusebox complete "${{stack[@]}}" "$kind" 2>/dev/null) ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _fusebox fusebox
)script",
      value_patterns(),
      [] {
        std::set<std::string_view> groups;
        for (const Command& command : commands()) {
          if (!second_word(command).empty()) groups.insert(first_word(command));
        }
        return fmt::format("{}", fmt::join(groups, "|"));
      }(),
      cases, option_words(global_options()), fmt::join(first_words(), " "),
      words_of_groups("    {0}) words='{1}' ;;\n"));
}

std::string zsh_completion() {
  const auto options = [](std::span<const OptionSpec> specs) {
    std::string text;
    for (const OptionSpec& option : specs) {
      const auto value = option.value.empty()
                             ? ""
                             : fmt::format(":{}:{}", option.value,
                                           option.name == "config"       ? "_files"
                                           : option.name == "plugin-dir" ? "_directories"
                                                                         : "");
      if (option.letter != 0)
        text += fmt::format(" '-{}[{}]{}'", option.letter, zsh_text(option.help), value);
      text += fmt::format(" '--{}{}[{}]{}'", option.name, option.value.empty() ? "" : "=",
                          zsh_text(option.help), value);
    }
    return text;
  };
  std::string names;
  std::string cases;
  for (const Command& command : commands()) {
    if (second_word(command).empty())
      names += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.summary));
    const auto asked = to_string(command.completes);
    std::string argument;
    if (command.name == "completion") argument = " '*:shell:(bash zsh fish)'";
    if (!asked.empty())
      argument = fmt::format(
          " '*:{0}:{{compadd -- ${{(f)\"$(fusebox complete {0} 2>/dev/null)\"}}}}'", asked);
    cases += fmt::format("    '{}') _arguments -s{}{} ;;\n", command.name, options(command.options),
                         argument);
  }
  std::set<std::string_view> groups;
  for (const Command& command : commands()) {
    if (!second_word(command).empty() && groups.insert(first_word(command)).second)
      names += fmt::format("    '{}'\n", first_word(command));
  }
  return fmt::format(
      R"script(#compdef fusebox
# zsh completion for fusebox. Put it into a folder of $fpath as _fusebox.
_fusebox() {{
  local -a names globals
  local command
  names=(
{0}  )
  globals=({1})
  local i=2
  while (( i < CURRENT )) && [[ ${{words[i]}} == -* ]]; do
    case ${{words[i]}} in {2}) (( i++ )) ;; esac
    (( i++ ))
  done
  if (( i >= CURRENT )); then
    if [[ ${{words[CURRENT]}} == -* ]]; then _arguments -s $globals; else
      _describe command names
      compadd -- ${{(f)"$(fusebox complete commands 2>/dev/null)"}}
    fi
    return
  fi
  command=${{words[i]}}
  case $command in
{3}  esac
  words=("fusebox" "${{(@)words[i+1,-1]}}")
  (( CURRENT -= i - 1 ))
  case $command in
{4}  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _fusebox "$@"; else compdef _fusebox fusebox; fi
)script",
      names, options(global_options()), value_patterns(),
      words_of_groups("    {0}) if (( i + 1 >= CURRENT )); then compadd -- {1}; return; fi\n"
                      "      (( i++ )); command=\"{0} ${{words[i]}}\" ;;\n"),
      cases);
}

std::string fish_completion() {
  std::string text =
      "# fish completion for fusebox. Save it as ~/.config/fish/completions/fusebox.fish\ncomplete "
      "-c fusebox -f\n";
  const auto option_lines = [](std::span<const OptionSpec> options, std::string_view condition) {
    std::string lines;
    for (const OptionSpec& option : options) {
      lines += fmt::format("complete -c fusebox{} -l {}", condition, option.name);
      if (option.letter != 0) lines += fmt::format(" -s {}", option.letter);
      if (!option.value.empty())
        lines += option.name == "config" || option.name == "plugin-dir" ? " -r -F" : " -x";
      lines += fmt::format(" -d '{}'\n", quoted(option.help));
    }
    return lines;
  };
  text += option_lines(global_options(), "");
  std::set<std::string_view> seen;
  for (const Command& command : commands()) {
    const auto first = first_word(command);
    const auto second = second_word(command);
    if (second.empty()) {
      text += fmt::format("complete -c fusebox -n __fish_use_subcommand -a {} -d '{}'\n", first,
                          quoted(command.summary));
    } else {
      if (seen.insert(first).second)
        text += fmt::format("complete -c fusebox -n __fish_use_subcommand -a {}\n", first);
      text += fmt::format("complete -c fusebox -n '__fish_seen_subcommand_from {}' -a {} -d '{}'\n",
                          first, second, quoted(command.summary));
    }
    const auto condition =
        second.empty()
            ? fmt::format(" -n '__fish_seen_subcommand_from {}'", first)
            : fmt::format(
                  " -n '__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}'", first,
                  second);
    text += option_lines(command.options, condition);
    const auto asked = to_string(command.completes);
    if (command.name == "completion")
      text += fmt::format("complete -c fusebox{} -a 'bash zsh fish'\n", condition);
    if (!asked.empty())
      text += fmt::format("complete -c fusebox{} -a '(fusebox complete {} 2>/dev/null)'\n",
                          condition, asked);
  }
  return text +
         "complete -c fusebox -n __fish_use_subcommand -a '(fusebox complete commands "
         "2>/dev/null)'\n";
}

}  // namespace fusebox::cli
