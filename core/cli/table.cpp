// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/groups.hpp"

#include <algorithm>
#include <array>

namespace fusebox::cli {

namespace {

constexpr std::array global_table = {
    OptionSpec{"config", 'c', "FILE",
               "the stack's file (else FUSEBOX_CONFIG, else the nearest fusebox.toml upward)"},
    OptionSpec{"set", 0, "KEY=VALUE", "set one value of the configuration: --set stack.name=test"},
    OptionSpec{"use", 0, "KIND=INSTANCE", "choose who provides an interface: --use runtime=engine"},
    OptionSpec{"skip", 0, "INSTANCE", "leave out the steps of these plugins"},
    OptionSpec{"only", 0, "INSTANCE", "run the steps of these plugins alone"},
    OptionSpec{"plugin-dir", 0, "DIR", "search this folder for plugins first"},
    OptionSpec{"json", 0, "", "answer in JSON"},
    OptionSpec{"quiet", 'q', "", "print results and errors alone"},
    OptionSpec{"verbose", 'v', "", "print what plugins say, and more of what there is"},
    OptionSpec{"no-color", 0, "", "no colours (NO_COLOR does the same)"},
    OptionSpec{"dry-run", 0, "", "print what each step would do, and do nothing"},
    OptionSpec{"yes", 'y', "", "do not ask"},
    OptionSpec{"help", 'h', "", "print this help"},
};

// What completion scripts call; for no one to type, so not part of the table.
constexpr Command completion_helper{"complete",
                                    Group::other,
                                    Needs::nothing,
                                    {1, 1},
                                    "KIND",
                                    "Print words for a completion script",
                                    "",
                                    "fusebox complete services\tone per line",
                                    {},
                                    Completes::nothing,
                                    Exits::plain,
                                    complete};

}  // namespace

std::span<const OptionSpec> global_options() { return global_table; }

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find_if(
      commands(), [&](const Command& command) { return command.name == name; });
  if (found != commands().end()) return &*found;
  return name == completion_helper.name ? &completion_helper : nullptr;
}

const Command* find_group(std::string_view word) {
  const auto found = std::ranges::find_if(commands(), [&](const Command& command) {
    return command.name.size() > word.size() && command.name.starts_with(word) &&
           command.name[word.size()] == ' ';
  });
  return found == commands().end() ? nullptr : &*found;
}

std::span<const run::ExitCode> exit_codes(Exits exits) {
  using enum run::ExitCode;
  static constexpr std::array plain = {ok, failed, usage, interrupted};
  static constexpr std::array phase = {ok,       failed,      usage,   unhealthy,  locked,
                                       findings, undo_failed, skipped, interrupted};
  static constexpr std::array health = {ok, failed, usage, unhealthy, interrupted};
  static constexpr std::array program = {failed, usage};
  switch (exits) {
    case Exits::plain:
      return plain;
    case Exits::phase:
      return phase;
    case Exits::health:
      return health;
    case Exits::program:
      return program;
  }
  return {};
}

}  // namespace fusebox::cli
