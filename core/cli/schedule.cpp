// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/default_phases.hpp"
#include "cli/groups.hpp"
#include "cli/paths.hpp"
#include "cli/schedule_text.hpp"
#include "cli/watch.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"
#include "util/subprocess.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <unistd.h>
#include <algorithm>
#include <map>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int fine = run::to_int(run::ExitCode::ok);
constexpr std::size_t largest_file = 1U << 20U;
#if defined(__APPLE__)
constexpr bool is_macos = true;
#else
constexpr bool is_macos = false;
#endif

using Contents = std::map<fs::path, std::optional<std::string>>;  // nothing: not there

std::string shown(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const auto& word : words) quoted.push_back(util::shell_word(word));
  return fmt::format("{}", fmt::join(quoted, " "));
}

fs::path home() {
  if (const auto path = environment("HOME")) return *path;
  throw Error(Errc::not_found, "there is no home folder to install a schedule in", "set HOME");
}

Scheduler this_scheduler(const Arguments& arguments) {
  Scheduler scheduler;
  scheduler.user = ::geteuid();
  scheduler.system = scheduler.user == 0 && !arguments.has("user");
  if (is_macos) {
    scheduler.kind = Scheduler::Kind::launchd;
    scheduler.folder =
        scheduler.system ? fs::path("/Library/LaunchDaemons") : home() / "Library/LaunchAgents";
  } else if (scheduler.system) {
    scheduler.folder = "/etc/systemd/system";
  } else {
    const auto config = environment("XDG_CONFIG_HOME");
    scheduler.folder = (config ? fs::path(*config) : home() / ".config") / "systemd/user";
  }
  return scheduler;
}

std::optional<std::string> content_of(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return util::read_file(path, largest_file);
}

// The system starts a job with hardly any PATH: the usual folders, and those where this stack's
// programs are today.
std::string search_path(Context& context) {
  std::vector<std::string> folders = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                      "/usr/bin",        "/sbin",          "/bin"};
  if (is_macos) folders.insert(folders.begin(), "/opt/homebrew/bin");
  for (const auto& instance : context.host().instances())
    for (const auto& program : instance.plugin->manifest.programs)
      if (const auto file = util::find_program(program)) {
        const auto folder = fs::absolute(*file).parent_path().string();
        if (std::find(folders.begin(), folders.end(), folder) == folders.end())
          folders.push_back(folder);
      }
  return fmt::format("{}", fmt::join(folders, ":"));
}

void require_phase(Context& context, const std::string& phase) {
  const auto& standard = default_phase_names();
  if (phase.empty() || context.config().phase(phase) != nullptr ||
      std::find(standard.begin(), standard.end(), phase) != standard.end())
    return;
  throw Error(Errc::argument, fmt::format("there is no phase \"{}\" to schedule", phase),
              fmt::format("define [phases.{}] in {}", phase, context.config().file.string()));
}

ScheduleOptions wanted_options(Context& context) {
  const Arguments& arguments = context.args();
  ScheduleOptions options;
  if (const auto time = arguments.value("daily"); time && !parse_time_of_day(*time, options))
    throw Error(Errc::argument, fmt::format("--daily {} is no time of day", *time),
                "write it as 02:00");
  options.drill = arguments.value("drill").value_or(options.drill);
  if (options.drill != "weekly" && options.drill != "monthly" && options.drill != "never")
    throw Error(Errc::argument, fmt::format("--drill {} is not known", options.drill),
                "use weekly, monthly or never");
  options.weekly = arguments.value("weekly").value_or("");
  options.monthly = arguments.value("monthly").value_or("");
  return options;
}

bool takes_wait(std::string_view command) {
  const Command* found = find_command(command);
  return found != nullptr && find_option("--wait", found->options) != nullptr;
}

// This program with what makes it work on this stack, from any folder.
std::vector<std::string> base_command(Context& context) {
  const Arguments& arguments = context.args();
  std::vector<std::string> command = {executable().string(), "--config",
                                      context.config().file.string()};
  for (const auto& dir : arguments.values("plugin-dir"))
    command.push_back(fmt::format("--plugin-dir={}", fs::absolute(dir).string()));
  for (const char* option : {"set", "use"})
    for (const auto& value : arguments.values(option))
      command.push_back(fmt::format("--{}={}", option, value));
  return command;
}

Schedule make_schedule(Context& context, const ScheduleOptions& options) {
  require_phase(context, options.weekly);
  require_phase(context, options.monthly);
  const auto& config = context.config();
  Schedule schedule;
  schedule.stack = config.stack;
  schedule.record = schedule_record(options);
  schedule.logs = config.state_dir;
  schedule.environment.emplace_back("PATH", search_path(context));
  for (const char* name :
       {"HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "FUSEBOX_PLUGIN_PATH"})
    if (const auto value = environment(name)) schedule.environment.emplace_back(name, *value);

  const auto base = base_command(context);
  // Each job an hour after the one before, so that on a day that has several they go in that order;
  // and each waits for one that takes longer.
  const auto add = [&](const std::string& name, const std::string& what, Every every, int after,
                       const std::vector<std::string>& words) {
    ScheduledJob job;
    job.name = name;
    job.description = fmt::format("{} of the stack {}", what, config.stack);
    job.every = every;
    job.hour = (options.hour + after) % 24;
    job.minute = options.minute;
    job.command = base;
    job.command.insert(job.command.end(), words.begin(), words.end());
    if (takes_wait(words[0] == "run" ? words[0] : words[0] + " " + words[1]))
      job.command.emplace_back("--wait");
    schedule.jobs.push_back(std::move(job));
  };
  add("backup", "Backup", Every::day, 0, {"backup", "create"});
  if (options.drill != "never")
    add("drill", "Restore drill", options.drill == "weekly" ? Every::week : Every::month, 1,
        {"backup", "drill"});
  if (!options.weekly.empty())
    add("weekly", fmt::format("Phase {}", options.weekly), Every::week, 2, {"run", options.weekly});
  if (!options.monthly.empty())
    add("monthly", fmt::format("Phase {}", options.monthly), Every::month, 3,
        {"run", options.monthly});
  return schedule;
}

std::vector<std::string> names_of(const Schedule& schedule) {
  std::vector<std::string> names;
  for (const auto& job : schedule.jobs) names.push_back(job.name);
  return names;
}

// Jobs of this stack that have a file.
std::vector<std::string> installed_jobs(const Scheduler& scheduler, const std::string& stack) {
  std::vector<std::string> names;
  for (const auto& name : schedule_job_names()) {
    const auto files = files_of_job(scheduler, stack, name);
    if (std::any_of(files.begin(), files.end(), [](const auto& file) {
          std::error_code ignored;
          return fs::exists(file, ignored);
        }))
      names.push_back(name);
  }
  return names;
}

void require_scheduler(const Scheduler& scheduler, const Schedule& schedule) {
  const std::string program =
      scheduler.kind == Scheduler::Kind::systemd ? "systemctl" : "launchctl";
  if (util::find_program(program)) return;
  const auto& backup = schedule.jobs.front();
  throw Error(Errc::unsupported, fmt::format("{} is not there to run a schedule", program),
              fmt::format("a crontab does it, too: {} {} * * * {}", backup.minute, backup.hour,
                          shown(backup.command)));
}

std::string call_all(Context& context, const std::vector<ScheduleCommand>& commands) {
  std::string all;
  for (const auto& command : commands) {
    util::ProcessSpec spec;
    spec.command = command.words;
    std::string out;
    std::string err;
    const auto ended = util::run_process(
        spec, [&](std::string_view text) { out += text; },
        [&](std::string_view text) { err += text; },
        std::chrono::steady_clock::now() + std::chrono::minutes(1), &context.watch().token());
    all += out;
    if (ended.ok() || command.may_fail) continue;
    const auto why = util::sanitize_line(err.empty() ? out : err);
    throw Error(Errc::failed,
                fmt::format("`{}` ended with {}: {}", shown(command.words), ended.exit_code, why),
                "run that command yourself to see more; after a failed installation the old "
                "schedule is back");
  }
  return all;
}

void put(const Contents& contents) {
  for (const auto& [path, text] : contents) {
    if (text) {
      util::write_file_atomic(path, *text, 0644);
    } else {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  }
}

void print_texts(Context& context, const std::vector<ScheduleFile>& files,
                 const std::vector<ScheduleCommand>& commands) {
  Output& out = context.out();
  if (out.is_json()) {
    json::array listed;
    for (const auto& file : files)
      listed.push_back({{"path", file.path.string()}, {"text", file.text}});
    json::array calls;
    for (const auto& command : commands) calls.push_back(json::value_from(command.words));
    out.json(json::object{{"files", std::move(listed)}, {"commands", std::move(calls)}});
    return;
  }
  for (const auto& file : files)
    out.print("{}\n{}\n", out.paint(Color::bold, fmt::format("==> {}", file.path.string())),
              file.text);
  out.print("{}\n", out.paint(Color::bold, "==> then"));
  for (const auto& command : commands) out.print("{}\n", shown(command.words));
}

// A user's timers sleep while the user is not logged in, unless told to linger.
void note_linger(Context& context, const Scheduler& scheduler) {
  if (scheduler.kind != Scheduler::Kind::systemd || scheduler.system ||
      !util::find_program("loginctl"))
    return;
  const auto user = fmt::format("{}", scheduler.user);
  const auto answer =
      call_all(context, {{{"loginctl", "show-user", user, "--property=Linger"}, true}});
  if (answer.starts_with("Linger=no"))
    context.out().warn(
        "it runs only while you are logged in; to change that: loginctl enable-linger");
}

void tell_jobs(Context& context, const Schedule& schedule) {
  Output& out = context.out();
  if (out.is_json()) {
    json::array jobs;
    for (const auto& job : schedule.jobs)
      jobs.push_back({{"job", job.name},
                      {"when", when_text(job)},
                      {"command", json::value_from(job.command)}});
    out.json(json::object{{"jobs", std::move(jobs)}});
    return;
  }
  for (const auto& job : schedule.jobs)
    out.print("{:8} {}: {}\n", job.name, when_text(job), shown(job.command));
}

// Names in `all` that are not in `others`.
std::vector<std::string> without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> left;
  for (const auto& name : all)
    if (std::find(others.begin(), others.end(), name) == others.end()) left.push_back(name);
  return left;
}

void call_what_can_be(Context& context, std::vector<ScheduleCommand> commands) {
  for (auto& command : commands) command.may_fail = true;
  call_all(context, commands);
}

int install(Context& context) {
  const auto scheduler = this_scheduler(context.args());
  const auto schedule = make_schedule(context, wanted_options(context));
  const auto& stack = schedule.stack;
  const auto names = names_of(schedule);
  const auto files = schedule_files(scheduler, schedule);
  const auto start = start_commands(scheduler, stack, names);
  if (context.args().has("print") || context.args().has("dry-run")) {
    print_texts(context, files, start);
    return fine;
  }
  require_scheduler(scheduler, schedule);
  const auto installed = installed_jobs(scheduler, stack);
  const auto unwanted = without(installed, names);
  Contents before;
  Contents after;
  for (const auto& name : schedule_job_names())
    for (const auto& path : files_of_job(scheduler, stack, name)) {
      before[path] = content_of(path);
      after[path] = std::nullopt;
    }
  for (const auto& file : files) after[file.path] = file.text;
  util::make_private_dirs(scheduler.folder);
  util::make_private_dirs(schedule.logs);
  try {
    if (!unwanted.empty()) call_all(context, stop_commands(scheduler, stack, unwanted));
    put(after);
    call_all(context, start);
  } catch (const Error&) {
    const auto added = without(names, installed);
    if (!added.empty()) call_what_can_be(context, stop_commands(scheduler, stack, added));
    put(before);
    if (!installed.empty()) call_what_can_be(context, start_commands(scheduler, stack, installed));
    throw;
  }
  tell_jobs(context, schedule);
  note_linger(context, scheduler);
  return fine;
}

int remove_schedule(Context& context) {
  const auto scheduler = this_scheduler(context.args());
  const auto& stack = context.config().stack;
  const auto jobs = installed_jobs(scheduler, stack);
  auto commands = stop_commands(scheduler, stack, jobs);
  if (context.args().has("print") || context.args().has("dry-run")) {
    for (const auto& job : jobs) {
      std::vector<std::string> words = {"rm"};
      for (const auto& path : files_of_job(scheduler, stack, job)) words.push_back(path.string());
      commands.push_back({std::move(words)});
    }
    const auto last = removed_commands(scheduler);
    commands.insert(commands.end(), last.begin(), last.end());
    print_texts(context, {}, jobs.empty() ? std::vector<ScheduleCommand>{} : commands);
    return fine;
  }
  if (!jobs.empty()) {
    call_all(context, commands);
    for (const auto& job : jobs)
      for (const auto& path : files_of_job(scheduler, stack, job)) put({{path, std::nullopt}});
    call_all(context, removed_commands(scheduler));
  }
  if (context.out().is_json())
    context.out().json(json::object{{"removed", json::value_from(jobs)}});
  else
    context.out().note(jobs.empty() ? "there is no schedule of this stack"
                                    : fmt::format("removed: {}", fmt::join(jobs, ", ")));
  return fine;
}

// One of: as it should be, what is wrong with it.
std::string state_of(const std::vector<ScheduleFile>& files, const Scheduler& scheduler,
                     const std::string& stack, const std::string& job, const JobStatus& status) {
  for (const auto& path : files_of_job(scheduler, stack, job)) {
    const auto text = content_of(path);
    const auto wanted = std::find_if(files.begin(), files.end(),
                                     [&](const auto& file) { return file.path == path; });
    if (!text) return "incomplete";
    if (wanted == files.end() || wanted->text != *text) return "differs";
  }
  return status.active ? "active" : "inactive";
}

int show(Context& context) {
  const auto scheduler = this_scheduler(context.args());
  const auto& stack = context.config().stack;
  const auto jobs = installed_jobs(scheduler, stack);
  Output& out = context.out();
  if (jobs.empty()) {
    if (out.is_json()) out.json(json::object{{"jobs", json::array()}});
    out.note("there is no schedule of this stack: `fusebox backup schedule install` makes one");
    return fine;
  }
  const auto first = content_of(files_of_job(scheduler, stack, jobs.front()).front());
  const auto options = parse_schedule_record(first.value_or("")).value_or(ScheduleOptions{});
  const auto schedule = make_schedule(context, options);
  const auto files = schedule_files(scheduler, schedule);
  json::array listed;
  report::Table table({"JOB", "WHEN", "STATE", "NEXT", "LAST", "RESULT"});
  bool differs = false;
  for (const auto& name : jobs) {
    const auto status =
        parse_status(scheduler, call_all(context, status_commands(scheduler, stack, name)));
    const auto state = state_of(files, scheduler, stack, name, status);
    const auto job = std::find_if(schedule.jobs.begin(), schedule.jobs.end(),
                                  [&](const auto& one) { return one.name == name; });
    const auto when = job == schedule.jobs.end() ? std::string("-") : when_text(*job);
    differs = differs || state != "active";
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    table.add(
        {name, when, state, or_dash(status.next), or_dash(status.last), or_dash(status.result)});
    listed.push_back({{"job", name},
                      {"when", when},
                      {"state", state},
                      {"next", status.next},
                      {"last", status.last},
                      {"result", status.result}});
  }
  if (out.is_json()) {
    out.json(json::object{{"jobs", std::move(listed)}});
    return fine;
  }
  out.write(table.str());
  if (differs)
    out.note(
        "what is installed is not what would be installed now: fusebox or the configuration moved, "
        "or a file was edited\n`fusebox backup schedule install` writes it anew; with --print it "
        "only shows what it would write");
  return fine;
}

}  // namespace

int schedule_backups(Context& context) {
  const auto& words = context.args().positionals;
  const std::string action = words.empty() ? "show" : words.front();
  if (action == "install") return install(context);
  if (action == "remove") return remove_schedule(context);
  if (action == "show") return show(context);
  throw Error(Errc::argument, fmt::format("a schedule cannot \"{}\"", action),
              "use install, remove or show");
}

}  // namespace fusebox::cli
