// SPDX-License-Identifier: Apache-2.0
#include "run/exit_code.hpp"

namespace fusebox::run {

std::string_view meaning(ExitCode code) {
  switch (code) {
    case ExitCode::ok:
      return "all went well";
    case ExitCode::failed:
      return "it failed, and was undone where on_failure says so";
    case ExitCode::usage:
      return "the command line or the configuration is wrong; nothing was done";
    case ExitCode::unhealthy:
      return "something is unhealthy";
    case ExitCode::locked:
      return "another run holds the stack, or an interrupted one waits for `fusebox recover`";
    case ExitCode::findings:
      return "there are findings of severity error";
    case ExitCode::undo_failed:
      return "it failed and could not be undone: hands needed";
    case ExitCode::skipped:
      return "skipped, because what it needs is absent";
    case ExitCode::interrupted:
      return "interrupted by the operator";
  }
  return "unknown";
}

ExitCode exit_code_for(Errc code) {
  switch (code) {
    case Errc::argument:
    case Errc::config:
      return ExitCode::usage;
    case Errc::conflict:
      return ExitCode::locked;
    case Errc::cancelled:
      return ExitCode::interrupted;
    case Errc::skipped:
      return ExitCode::skipped;
    default:
      return ExitCode::failed;
  }
}

}  // namespace fusebox::run
