// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/program.hpp"
#include "cli/watch.hpp"
#include "config/config.hpp"
#include "config/text.hpp"
#include "plugin/host.hpp"
#include "util/error.hpp"
#include "util/terminal.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <unistd.h>
#include <csignal>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

extern "C" void leave_it_to_the_program(int) {}

// At a terminal Ctrl-C goes to the program and to us alike: it is the program's. A handler, not
// SIG_IGN, since what is ignored stays so in the program.
class TerminalSignals {
 public:
  TerminalSignals() {
    struct sigaction action = {};
    action.sa_handler = leave_it_to_the_program;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGQUIT, &action, &quit_);
  }
  ~TerminalSignals() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGQUIT, &quit_, nullptr);
  }
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

 private:
  struct sigaction interrupt_ = {};
  struct sigaction quit_ = {};
};

int run_beside(Context& context, const std::string& service,
               const std::vector<std::string>& command, json::object environment,
               std::vector<std::string> secrets) {
  const auto& runtime = context.runtime();
  secrets.insert(secrets.end(), runtime.secrets.begin(), runtime.secrets.end());
  context.host().needed_secrets(std::move(secrets));

  const bool tty = util::is_tty(STDIN_FILENO) && util::is_tty(STDOUT_FILENO);
  const json::object request{{"service", service},
                             {"command", json::value_from(command)},
                             {"tty", tty},
                             {"environment", std::move(environment)}};
  plugin::CallContext call;
  call.label = fmt::format("{} (exec)", runtime.name);
  std::optional<TerminalSignals> terminal;
  if (tty) {
    terminal.emplace();
  } else {
    call = context.call(call.label, std::nullopt);
  }
  context.out().flush();
  const auto result =
      context.host().exec(runtime.name, request, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, call);
  return static_cast<int>(int_field(result, "exit_code"));
}

}  // namespace

int run_exec(Context& context) {
  const auto& args = context.args();
  const std::string& service = args.positionals.front();
  if (args.program.empty()) {
    throw Error(Errc::argument, "`fusebox exec` needs a program to run",
                fmt::format("write: fusebox exec {} -- PROGRAM [ARG...]", service));
  }
  return run_beside(context, service, args.program, {}, {});
}

int run_shell(Context& context) {
  auto command = context.args().program;
  if (command.empty()) command.emplace_back("sh");
  return run_beside(context, context.args().positionals.front(), command, {}, {});
}

int run_configured_program(Context& context, const config::CommandConfig& command) {
  std::vector<std::string> words = command.command;
  const auto& more = context.args().program;
  words.insert(words.end(), more.begin(), more.end());
  json::object environment;
  std::vector<std::string> secrets;
  if (const auto* table = command.environment.get_if<config::Table>()) {
    for (const auto& [name, value] : *table) {
      if (const auto secret = config::secret_handle(value)) {
        environment[name] = json::object{{"$secret", *secret}};
        secrets.push_back(*secret);
      } else if (const auto* text = value.get_if<std::string>()) {
        environment[name] = *text;
      }
    }
  }
  return run_beside(context, command.service, words, std::move(environment), std::move(secrets));
}

}  // namespace fusebox::cli
