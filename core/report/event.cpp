// SPDX-License-Identifier: Apache-2.0
#include "report/event.hpp"

namespace fusebox::report {

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::run_started:
      return "run_started";
    case EventType::step_started:
      return "step_started";
    case EventType::step_log:
      return "step_log";
    case EventType::step_progress:
      return "step_progress";
    case EventType::step_retrying:
      return "step_retrying";
    case EventType::step_finished:
      return "step_finished";
    case EventType::undo_started:
      return "undo_started";
    case EventType::undo_finished:
      return "undo_finished";
    case EventType::run_finished:
      return "run_finished";
  }
  return "unknown";
}

}  // namespace fusebox::report
