// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.hpp"

#include "cli/context.hpp"
#include "cli/contributed.hpp"
#include "cli/default_phases.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/watch.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "run/exit_code.hpp"
#include "run/recover.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <map>
#include <set>

namespace fusebox::cli {

namespace {

// What `fusebox complete KIND` prints, one per line.
std::vector<std::string> candidates(Context& context, std::string_view kind) {
  std::set<std::string> found;
  if (kind == "services") {
    const auto limit = std::chrono::seconds(2);
    const Watch::Guard guard(context.watch(), "completion", limit);
    const auto& runtime = context.runtime().name;
    for (const auto& service : objects_field(
             context.host().services(runtime, {}, context.call("completion", limit)), "services")) {
      found.insert(text_field(service, "name"));
    }
  } else if (kind == "phases") {
    found.insert(default_phase_names().begin(), default_phase_names().end());
    for (const auto& phase : context.config().phases) found.insert(phase.name);
  } else if (kind == "plugins") {
    for (const auto& plugin : context.catalog().all()) found.insert(plugin.manifest.id);
  } else if (kind == "instances") {
    for (const auto& plugin : context.config().plugins) found.insert(plugin.instance);
  } else if (kind == "runs") {
    for (const auto& run : run::list_runs(context.config().state_dir)) found.insert(run.id);
  } else if (kind == "commands") {
    for (const auto& command : contributed_commands(context)) found.insert(command.name);
  }
  return {found.begin(), found.end()};
}

}  // namespace

int complete(Context& context) {
  try {
    for (const auto& word : candidates(context, context.args().positionals.front()))
      context.out().print("{}\n", word);
  } catch (const Error&) {
    // Someone is typing: an error message in the middle of the line would help nobody.
  }
  return run::to_int(run::ExitCode::ok);
}

int print_completion(Context& context) {
  const std::map<std::string, std::string (*)()> shells = {
      {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
  const auto& name = context.args().positionals.front();
  const auto shell = shells.find(name);
  if (shell == shells.end())
    throw Error(Errc::argument, fmt::format("no completion for the shell \"{}\"", name),
                "use bash, zsh or fish");
  context.out().write(shell->second());
  return run::to_int(run::ExitCode::ok);
}

}  // namespace fusebox::cli
