// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/generations.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/phase_runner.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "run/exit_code.hpp"
#include "run/phase.hpp"
#include "run/recover.hpp"
#include "util/error.hpp"
#include "util/terminal.hpp"

#include <fmt/format.h>
#include <fusebox/runtime.h>
#include <boost/json.hpp>

#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <filesystem>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

const config::Origin command_line{"the command line"};

void require_phase(Context& context, std::string_view name) {
  if (context.config().phase(name) != nullptr) return;
  throw Error(Errc::not_found,
              fmt::format("{} has no phase \"{}\"", context.config().file.string(), name),
              "the presets of `fusebox init` have one to copy; docs/BACKUPS.md explains its steps");
}

// ---- Which generation ---------------------------------------------------------------------------

std::string ask_generation(Context& context) {
  const auto listed = list_generations(context);
  const auto all = objects_field(listed, "generations");
  if (all.empty())
    throw Error(Errc::not_found, "there is no generation to restore",
                "`fusebox backup create` makes one; one from elsewhere: `fusebox backup import`");
  Output& out = context.out();
  out.write(generation_table(context, listed, Rows::numbered));
  out.flush();
  const auto answer = util::prompt_line("\nWhich one? [1] ", STDIN_FILENO, STDERR_FILENO, nullptr);
  if (!answer) throw Error(Errc::cancelled, "nothing was chosen: nothing was done");
  if (answer->empty()) return text_field(all.front(), "generation");
  std::size_t number = 0;
  const char* end = answer->data() + answer->size();
  if (std::from_chars(answer->data(), end, number).ptr != end || number == 0 || number > all.size())
    throw Error(Errc::argument, fmt::format("\"{}\" is no number of the list", *answer),
                fmt::format("1 to {}", all.size()));
  return text_field(all[number - 1], "generation");
}

// What is about to go is worth more than a habit: the stack's name has to be typed.
void confirm(Context& context, const std::string& generation) {
  const auto& stack = context.config().stack;
  context.out().flush();
  const auto prompt = fmt::format(
      "\nThis puts generation {} in the place of {}'s data, which is kept as a generation of its "
      "own.\nType the stack's name: ",
      generation, stack);
  if (util::prompt_line(prompt, STDIN_FILENO, STDERR_FILENO, nullptr) != stack)
    throw Error(Errc::cancelled, "the name does not match: nothing was done");
}

std::string choose_generation(Context& context) {
  const auto& words = context.args().positionals;
  const bool asks = !context.args().has("yes") && !context.args().has("dry-run");
  if (asks && !util::is_tty(STDIN_FILENO))
    throw Error(Errc::argument, "restore replaces data, and there is no terminal to ask at",
                "say which generation, and --yes: fusebox restore latest --yes");
  if (words.empty() && !asks)
    throw Error(Errc::argument, "restore needs to know which generation",
                "fusebox restore latest --yes");
  std::string chosen = words.empty()
                           ? ask_generation(context)
                           : text_field(find_generation(context, words.front()), "generation");
  if (asks) confirm(context, chosen);
  context.end_watch();
  return chosen;
}

// ---- The phase ----------------------------------------------------------------------------------

// Takes the steps out that make a generation of what is there.
void leave_out_safety(Context& context) {
  const std::string maker = generation_maker(context, "create").name;
  config::PhaseConfig phase = *context.config().phase("restore");
  for (auto& group : phase.groups)
    std::erase_if(group, [&](const config::StepConfig& step) {
      return step.instance == maker && step.verb == "create";
    });
  std::erase_if(phase.groups, [](const auto& group) { return group.empty(); });
  context.replace_phase(std::move(phase));
}

// ---- The drill's scratch stack ------------------------------------------------------------------

// The scratch stack goes with all its data; what a drill that was cut off has left, too.
int tear_down(Context& context) {
  const auto runs = run::list_runs(context.config().state_dir);
  const bool is_open =
      std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run.open(); });
  if (is_open)
    with_environment(context, [](const run::Environment& environment) {
      return run::to_int(run::recover(run::RecoverMode::forget, environment));
    });
  config::StepConfig step;
  step.instance = context.runtime().name;
  step.verb = "down";
  step.origin = command_line;
  config::Table with;
  with.set("volumes", {true, command_line});
  step.with = {std::move(with), command_line};
  config::PhaseConfig phase;
  phase.name = "down";
  phase.groups.push_back({std::move(step)});
  phase.on_failure = config::OnFailure::stop;
  phase.origin = command_line;
  context.replace_phase(std::move(phase));
  const int code = execute_phase(context, "down");
  std::error_code ignored;
  if (code == run::to_int(run::ExitCode::ok))
    std::filesystem::remove_all(context.config().state_dir, ignored);
  return code;
}

}  // namespace

int restore_stack(Context& context) {
  require_phase(context, "restore");
  if (context.args().has("no-safety")) leave_out_safety(context);
  const std::string generation = choose_generation(context);
  give_option(context, "restore", "generation", {generation, command_line});
  if (const auto sources = context.args().values("source", Arguments::Commas::split);
      !sources.empty()) {
    config::List list;
    for (const auto& source : sources) list.push_back({source, command_line});
    give_option(context, "restore", "sources", {std::move(list), command_line});
  }
  return execute_phase(context, "restore");
}

int drill_backup(Context& context) {
  context.enter_scratch();
  require_phase(context, "drill");
  const auto& words = context.args().positionals;
  if (!words.empty()) give_option(context, "drill", "generation", {words.front(), command_line});
  if (context.args().has("dry-run")) return execute_phase(context, "drill");
  if (std::filesystem::exists(context.config().state_dir)) {
    context.out().note("removing what an earlier drill has left");
    if (const int code = tear_down(context); code != run::to_int(run::ExitCode::ok)) return code;
  }
  const int code = execute_phase(context, "drill");
  const int down = tear_down(context);
  return code != run::to_int(run::ExitCode::ok) ? code : down;
}

}  // namespace fusebox::cli
