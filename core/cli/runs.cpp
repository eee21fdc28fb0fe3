// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/phase_runner.hpp"
#include "config/config.hpp"
#include "report/table.hpp"
#include "run/phase.hpp"
#include "run/recover.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/terminal.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <unistd.h>
#include <algorithm>
#include <charconv>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

std::chrono::milliseconds between(std::chrono::system_clock::time_point from,
                                  std::chrono::system_clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

std::size_t parse_limit(const Arguments& args) {
  const auto text = args.value("limit");
  if (!text) return 20;
  std::size_t limit = 0;
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data(), end, limit).ptr != end || limit == 0) {
    throw Error(Errc::argument, fmt::format("--limit {} is no number of runs", *text),
                "write --limit 5");
  }
  return limit;
}

std::string outcome_of(const run::RunSummary& run) {
  if (!run.problem.empty()) return "unreadable";
  if (run.running) return "running";
  return run.end ? std::string(run::to_string(run.end->outcome)) : "interrupted";
}

Color outcome_color(std::string_view outcome) {
  if (outcome == "ok") return Color::green;
  if (outcome == "running" || outcome == "skipped" || outcome == "forgotten") return Color::yellow;
  return Color::red;
}

json::object to_json(const run::RunSummary& run) {
  json::object object{{"id", run.id},
                      {"phase", run.phase},
                      {"started", util::rfc3339(run.started)},
                      {"outcome", outcome_of(run)},
                      {"open", run.open()},
                      {"journal", run.file.string()}};
  if (run.end) {
    object["ended"] = util::rfc3339(run.end->time);
    object["exit_code"] = run.end->exit_code;
  }
  if (!run.interrupted.empty()) object["interrupted_in"] = json::value_from(run.interrupted);
  if (!run.problem.empty()) object["problem"] = run.problem;
  return object;
}

// What is known of a step in one line: its summary, or why it failed.
std::string remark(const run::StepState& step) {
  if (step.undo_error) return fmt::format("undo failed: {}", step.undo_error->what);
  if (step.error) return step.error->what;
  return step.result.is_object() ? text_field(step.result.get_object(), "summary") : "";
}

json::object to_json(const run::JournalText& journal) {
  json::array records;
  for (const auto& record : journal.records) {
    json::object object{{"type", run::to_string(record.type)},
                        {"time", util::rfc3339(record.time)}};
    for (const auto& [key, value] : record.data) object[key] = value;
    records.push_back(std::move(object));
  }
  return {
      {"id", journal.state.id}, {"phase", journal.state.phase}, {"records", std::move(records)}};
}

run::RecoverMode ask_mode(const run::RunSummary& open) {
  const auto where = open.interrupted.empty()
                         ? std::string("between two steps")
                         : fmt::format("in {}", fmt::join(open.interrupted, ", "));
  const auto prompt =
      fmt::format("Run {} of {} was interrupted {}.\n[u]ndo it, [r]esume it, or [l]eave it? ",
                  open.id, open.phase, where);
  const auto answer = util::prompt_line(prompt, STDIN_FILENO, STDERR_FILENO, nullptr).value_or("l");
  if (answer == "u" || answer == "undo") return run::RecoverMode::undo;
  if (answer == "r" || answer == "resume") return run::RecoverMode::resume;
  throw Error(Errc::cancelled, "nothing was done: the run is still open",
              "fusebox recover --undo or --resume");
}

run::RecoverMode choose_mode(Context& context, const run::RunSummary& open) {
  const auto& args = context.args();
  const int given = int{args.has("undo")} + int{args.has("resume")} + int{args.has("forget")};
  if (given > 1)
    throw Error(Errc::argument, "--undo, --resume and --forget exclude one another", "choose one");
  if (args.has("undo")) return run::RecoverMode::undo;
  if (args.has("resume")) return run::RecoverMode::resume;
  if (args.has("forget")) return run::RecoverMode::forget;
  if (args.has("yes")) return run::RecoverMode::undo;
  if (util::is_tty(STDIN_FILENO)) return ask_mode(open);
  throw Error(
      Errc::argument,
      fmt::format("run {} of {} is open, and there is no terminal to ask at", open.id, open.phase),
      "say what to do: fusebox recover --undo, or --resume");
}

}  // namespace

int list_runs(Context& context) {
  auto runs = run::list_runs(context.config().state_dir);
  runs.resize(std::min(runs.size(), parse_limit(context.args())));
  Output& out = context.out();
  if (out.is_json()) {
    json::array all;
    for (const auto& run : runs) all.push_back(to_json(run));
    out.json(json::object{{"runs", std::move(all)}});
    return run::to_int(run::ExitCode::ok);
  }
  if (runs.empty()) {
    out.note(fmt::format("{} has no runs yet", context.config().stack));
    return run::to_int(run::ExitCode::ok);
  }
  report::Table table({"RUN", "PHASE", "STARTED", "TOOK", "OUTCOME"});
  for (const auto& run : runs) {
    const auto outcome = outcome_of(run);
    table.add({run.id, run.phase, util::rfc3339(run.started),
               run.end ? util::human_duration(between(run.started, run.end->time)) : "-",
               out.paint(outcome_color(outcome), outcome)});
  }
  out.write(table.str());
  const bool any_open =
      std::any_of(runs.begin(), runs.end(), [](const auto& run) { return run.open(); });
  if (any_open) out.note("a run was interrupted: fusebox recover");
  return run::to_int(run::ExitCode::ok);
}

int show_run(Context& context) {
  const auto& names = context.args().positionals;
  const auto journal =
      run::show_run(context.config().state_dir, names.empty() ? "last" : names.front());
  Output& out = context.out();
  if (out.is_json()) {
    out.json(to_json(journal));
    return run::to_int(run::ExitCode::ok);
  }
  const auto& state = journal.state;
  out.print("run      {}\nphase    {}\nstarted  {}\n", state.id, state.phase,
            util::rfc3339(state.started));
  if (state.end) {
    const auto outcome = run::to_string(state.end->outcome);
    out.print("took     {}\noutcome  {} (exit code {})\n\n",
              util::human_duration(between(state.started, state.end->time)),
              out.paint(outcome_color(outcome), outcome), state.end->exit_code);
  } else {
    out.print("outcome  {}\n\n", out.paint(Color::red, "open"));
  }
  report::Table table({"STEP", "STATUS", "TOOK", ""});
  for (const auto& step : state.steps) {
    table.add({step.step.label, std::string(run::to_string(step.status)),
               step.duration.count() > 0 ? util::human_duration(step.duration) : "-",
               util::sanitize_line(remark(step))});
  }
  out.write(table.str());
  return run::to_int(run::ExitCode::ok);
}

int recover(Context& context) {
  const auto runs = run::list_runs(context.config().state_dir);
  const auto open =
      std::find_if(runs.begin(), runs.end(), [](const auto& run) { return run.open(); });
  if (open == runs.end()) {
    context.out().note("no run was interrupted: there is nothing to recover");
    return run::to_int(run::ExitCode::ok);
  }
  const auto mode = choose_mode(context, *open);
  if (const auto services = context.args().values("start"); !services.empty()) {
    const int code = start_for_recovery(context, services);
    if (code != run::to_int(run::ExitCode::ok)) return code;
  }
  return with_environment(context, [&](const run::Environment& environment) {
    return run::to_int(run::recover(mode, environment));
  });
}

}  // namespace fusebox::cli
