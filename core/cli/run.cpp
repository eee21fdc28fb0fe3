// SPDX-License-Identifier: Apache-2.0
#include "cli/run.hpp"

#include "cli/context.hpp"
#include "cli/contributed.hpp"
#include "cli/groups.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace fusebox::cli {

namespace {

// What output looks like must be known before parsing can fail.
OutputOptions output_options(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  const auto has = [&](std::string_view name, std::string_view letter) {
    return std::any_of(words.begin(), end,
                       [&](const auto& word) { return word == name || word == letter; });
  };
  return {.json = has("--json", "--json"),
          .quiet = has("--quiet", "-q"),
          .verbose = has("--verbose", "-v"),
          .color = !has("--no-color", "--no-color")};
}

int run_command(const Command& command, const CommandLine& line, Output& output) {
  Arguments arguments = parse_arguments(std::string(command.name), line.rest, command.options,
                                        command.arity, command.arguments);
  if (arguments.has("help")) {
    output.write(command_help(command, output));
    return 0;
  }
  Context context(std::move(arguments), output);
  context.prepare(command.needs);
  return command.function(context);
}

int dispatch(const std::vector<std::string>& words, Output& output) {
  const bool asks_version = words.size() == 1 && words[0] == "--version";
  const auto line = asks_version ? CommandLine{{"version"}, {}} : split_command(words);
  if (line.name.empty()) {
    const bool asked = std::any_of(line.rest.begin(), line.rest.end(), [](const auto& word) {
      return word == "--help" || word == "-h";
    });
    run_command(*find_command("help"), {{"help"}, {}}, output);
    return run::to_int(asked ? run::ExitCode::ok : run::ExitCode::usage);
  }
  const auto name = fmt::format("{}", fmt::join(line.name, " "));
  const Command* command = find_command(name);
  if (command == nullptr) command = find_group(name);
  return command != nullptr ? run_command(*command, line, output) : run_contributed(line, output);
}

}  // namespace

int run(const std::vector<std::string>& words) noexcept {
  std::signal(SIGPIPE, SIG_IGN);
  Output output(output_options(words));
  int code = 0;
  try {
    code = dispatch(words, output);
  } catch (const Error& error) {
    code = run::to_int(run::exit_code_for(error.code()));
    output.error(error, code);
  } catch (const std::exception& error) {
    code = run::to_int(run::ExitCode::failed);
    output.error(
        Error(Errc::internal, fmt::format("an error that should not happen: {}", error.what()),
              "please report it, with what you did"),
        code);
  }
  output.flush();
  return code;
}

}  // namespace fusebox::cli
