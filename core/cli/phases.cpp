// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/default_phases.hpp"
#include "cli/groups.hpp"
#include "cli/phase_runner.hpp"
#include "cli/views.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"
#include "util/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace fusebox::cli {

namespace {

// Gives the runtime's own steps of a phase one option more. How many there are.
int give_runtime(Context& context, const std::string& phase, const std::string& option,
                 config::Value value) {
  const std::string runtime = context.runtime().name;
  int given = 0;
  edit_phase(context, phase, [&](config::StepConfig& step) {
    if (step.instance != runtime) return;
    auto* with = step.with.get_if<config::Table>();
    if (with == nullptr) {
      step.with.data = config::Table{};
      with = step.with.get_if<config::Table>();
    }
    with->set(option, value);
    ++given;
  });
  return given;
}

int give_services(Context& context, const std::string& phase,
                  const std::vector<std::string>& services) {
  config::List list;
  for (const auto& service : services) list.push_back({service, {"the command line"}});
  return give_runtime(context, phase, "services", {std::move(list), {"the command line"}});
}

// Data is gone for ever, so a habit ("--yes") is not enough: the stack's name has to be said.
void confirm_data_loss(Context& context) {
  const std::string& stack = context.config().stack;
  if (const auto name = context.args().value("confirm"); name && context.args().has("yes")) {
    if (*name == stack) return;
    throw Error(Errc::argument, fmt::format("--confirm {} is not this stack's name", *name),
                fmt::format("the stack is {}", stack));
  }
  if (!util::is_tty(STDIN_FILENO) || context.args().has("yes")) {
    throw Error(Errc::argument, "down --volumes removes all data, and needs more than --yes",
                fmt::format("add --yes --confirm {}", stack));
  }
  context.out().flush();
  const auto prompt = fmt::format(
      "This removes all data of {} and cannot be undone. Type the stack's name: ", stack);
  const auto answer = util::prompt_line(prompt, STDIN_FILENO, STDERR_FILENO, nullptr);
  if (answer != stack) throw Error(Errc::cancelled, "the name does not match: nothing was done");
}

void say_what_next(Context& context) {
  Output& out = context.out();
  if (out.is_json() || out.is_quiet() || context.args().has("dry-run")) return;
  out.write("\n");
  try {
    print_urls(context);
  } catch (const Error& error) {
    out.note(fmt::format("where the services are cannot be told: {}", error.what()));
  }
  out.write(
      "\nWhat next\n"
      "  fusebox health    check every part\n"
      "  fusebox logs -f   follow the logs\n"
      "  fusebox down      stop and remove the services; data stays\n");
}

}  // namespace

int run_any_phase(Context& context) {
  return execute_phase(context, context.args().positionals.front());
}

int run_up_or_down(Context& context) {
  const std::string& name = context.args().command;
  const auto& services = context.args().positionals;
  if (!services.empty()) give_services(context, name, services);
  return execute_phase(context, name);
}

int start_for_recovery(Context& context, const std::vector<std::string>& services) {
  if (give_services(context, "start", services) == 0)
    throw Error(Errc::config, "no step of this stack's phase `start` is its runtime's",
                "start the services in some other way, then `fusebox recover` without --start");
  return execute_beside_open_run(context, "start");
}

int run_down(Context& context) {
  if (context.args().has("volumes")) {
    if (!context.args().has("dry-run")) confirm_data_loss(context);
    give_runtime(context, "down", "volumes", {true, {"--volumes"}});
  }
  return execute_phase(context, "down");
}

int run_deploy(Context& context) {
  const bool is_left_out = context.args().has("no-backup");
  const config::Value wanted{!is_left_out, {"--no-backup"}};
  if (give_option(context, "deploy", "overlay", wanted) == 0 && is_left_out)
    throw Error(Errc::unsupported, "no step of this deploy knows an overlay to leave out",
                "deploy without --no-backup; a backup that is no overlay runs by itself");
  const int code = execute_phase(context, "deploy");
  if (code == run::to_int(run::ExitCode::ok)) say_what_next(context);
  return code;
}

int run_health(Context& context) {
  const int code = execute_phase(context, "health");
  if (context.out().is_verbose() && !context.args().has("dry-run")) print_use(context);
  return code;
}

int show_plan(Context& context) {
  const auto fallback = context.out().is_json() ? "json" : "text";
  return print_plan(context, context.args().positionals.front(),
                    context.args().value("format").value_or(fallback));
}

}  // namespace fusebox::cli
