// SPDX-License-Identifier: Apache-2.0
#include "cli/schedule_text.hpp"

#include "util/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view record_mark = "fusebox-schedule: ";
constexpr std::array<std::string_view, 4> job_names = {"backup", "drill", "weekly", "monthly"};

bool is_systemd(const Scheduler& scheduler) { return scheduler.kind == Scheduler::Kind::systemd; }

// What systemd and launchd know a job by.
std::string unit_name(const std::string& stack, const std::string& job) {
  return fmt::format("fusebox-{}-{}", stack, job);
}
std::string label_of(const std::string& stack, const std::string& job) {
  return fmt::format("fusebox.{}.{}", stack, job);
}

void require_line(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw Error(Errc::argument, "a path with a control character cannot be scheduled",
                "rename the folder");
}

// A word of a unit's line, in quotes. Specifiers (%) are the only thing that quotes do not stop;
// variables are, by the ':' in front of a command.
std::string systemd_word(std::string_view text) {
  require_line(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%') out += '%';
    out += c;
  }
  return out + '"';
}

std::string systemd_command(const std::vector<std::string>& command) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@=";
  std::string out = ":";
  for (const auto& word : command) {
    if (out.size() > 1) out += ' ';
    out += !word.empty() && word.find_first_not_of(plain) == std::string::npos ? word
                                                                               : systemd_word(word);
  }
  return out;
}

std::string calendar(const ScheduledJob& job) {
  const auto time = fmt::format("{:02}:{:02}:00", job.hour, job.minute);
  switch (job.every) {
    case Every::week:
      return "Sun *-*-* " + time;
    case Every::month:
      return "*-*-01 " + time;
    case Every::day:
      break;
  }
  return "*-*-* " + time;
}

std::string service_text(const Schedule& schedule, const ScheduledJob& job) {
  std::string text = fmt::format(
      "# Written by `fusebox backup schedule install`, which writes it anew. What is your own "
      "belongs into a drop-in.\n"
      "# {}{}\n"
      "[Unit]\n"
      "Description={}\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "ExecStart={}\n",
      record_mark, schedule.record, job.description, systemd_command(job.command));
  for (const auto& [name, value] : schedule.environment)
    text += fmt::format("Environment={}\n", systemd_word(name + "=" + value));
  return text +
         "UMask=0077\n"
         "Nice=10\n"
         "# 75: skipped, because what it needs is absent.\n"
         "SuccessExitStatus=75\n"
         "# Services that the run starts again outlive it, and it has time to undo.\n"
         "KillMode=process\n"
         "TimeoutStopSec=15min\n";
}

std::string timer_text(const ScheduledJob& job) {
  return fmt::format(
      "# Written by `fusebox backup schedule install`.\n"
      "[Unit]\n"
      "Description={}, {}\n"
      "\n"
      "[Timer]\n"
      "OnCalendar={}\n"
      "# What was missed while the machine slept or was off runs once it is up again.\n"
      "Persistent=true\n"
      "\n"
      "[Install]\n"
      "WantedBy=timers.target\n",
      job.description, when_text(job), calendar(job));
}

std::string xml(std::string_view text) {
  require_line(text);
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string plist_text(const Schedule& schedule, const ScheduledJob& job) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
      "<!-- Written by `fusebox backup schedule install`, which writes it anew. -->\n"
      "<!-- {}{} -->\n"
      "<plist version=\"1.0\">\n"
      "<dict>\n"
      "  <key>Label</key>\n"
      "  <string>{}</string>\n"
      "  <key>ProgramArguments</key>\n"
      "  <array>\n",
      record_mark, xml(schedule.record), xml(label_of(schedule.stack, job.name)));
  for (const auto& word : job.command) text += fmt::format("    <string>{}</string>\n", xml(word));
  text += "  </array>\n  <key>EnvironmentVariables</key>\n  <dict>\n";
  for (const auto& [name, value] : schedule.environment)
    text += fmt::format("    <key>{}</key>\n    <string>{}</string>\n", xml(name), xml(value));
  text += "  </dict>\n  <key>StartCalendarInterval</key>\n  <dict>\n";
  const auto number = [&](std::string_view key, int value) {
    text += fmt::format("    <key>{}</key>\n    <integer>{}</integer>\n", key, value);
  };
  if (job.every == Every::week) number("Weekday", 0);
  if (job.every == Every::month) number("Day", 1);
  number("Hour", job.hour);
  number("Minute", job.minute);
  const auto log = xml((schedule.logs / fmt::format("schedule-{}.log", job.name)).string());
  // Services that the run starts again outlive it.
  return text + fmt::format(
                    "  </dict>\n"
                    "  <key>StandardOutPath</key>\n"
                    "  <string>{0}</string>\n"
                    "  <key>StandardErrorPath</key>\n"
                    "  <string>{0}</string>\n"
                    "  <key>Umask</key>\n"
                    "  <integer>63</integer>\n"
                    "  <key>AbandonProcessGroup</key>\n"
                    "  <true/>\n"
                    "</dict>\n"
                    "</plist>\n",
                    log);
}

std::vector<std::string> systemctl(const Scheduler& scheduler, std::vector<std::string> more) {
  std::vector<std::string> words = {"systemctl"};
  if (!scheduler.system) words.emplace_back("--user");
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::vector<std::string> timers(const std::string& stack, const std::vector<std::string>& jobs) {
  std::vector<std::string> names;
  for (const auto& job : jobs) names.push_back(unit_name(stack, job) + ".timer");
  return names;
}

std::vector<std::string> joined(std::vector<std::string> first,
                                const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::string domain(const Scheduler& scheduler) {
  return scheduler.system ? "system" : fmt::format("gui/{}", scheduler.user);
}

ScheduleCommand bootout(const Scheduler& scheduler, const std::string& stack,
                        const std::string& job) {
  return {{"launchctl", "bootout", fmt::format("{}/{}", domain(scheduler), label_of(stack, job))},
          true};
}

// "key=value" or "key = value" lines.
std::map<std::string, std::string, std::less<>> fields_of(std::string_view text) {
  const auto trimmed = [](std::string_view part) {
    const auto from = part.find_first_not_of(" \t");
    if (from == std::string_view::npos) return std::string();
    return std::string(part.substr(from, part.find_last_not_of(" \t") - from + 1));
  };
  std::map<std::string, std::string, std::less<>> fields;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    fields.emplace(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
  }
  return fields;
}

std::string result_text(const std::string& code) {
  if (code == "0") return "success";
  return code == "75" ? "skipped" : "exit code " + code;
}

}  // namespace

std::string schedule_record(const ScheduleOptions& options) {
  auto text =
      fmt::format("daily={:02}:{:02} drill={}", options.hour, options.minute, options.drill);
  if (!options.weekly.empty()) text += " weekly=" + options.weekly;
  if (!options.monthly.empty()) text += " monthly=" + options.monthly;
  return text;
}

std::optional<ScheduleOptions> parse_schedule_record(std::string_view text) {
  const auto at = text.find(record_mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + record_mark.size());
  text = text.substr(0, text.find('\n'));
  ScheduleOptions options;
  bool timed = false;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const auto value = word.substr(std::min(word.find('=') + 1, word.size()));
    if (word.starts_with("daily=")) timed = parse_time_of_day(value, options);
    if (word.starts_with("drill=")) options.drill = value;
    if (word.starts_with("weekly=")) options.weekly = value;
    if (word.starts_with("monthly=")) options.monthly = value;
  }
  return timed ? std::optional(options) : std::nullopt;
}

bool parse_time_of_day(std::string_view text, ScheduleOptions& options) {
  const auto number = [](std::string_view digits, int limit, int& into) {
    const auto* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, into);
    return error == std::errc() && stopped == end && !digits.starts_with('-') && into < limit;
  };
  const auto colon = text.find(':');
  return colon != std::string_view::npos && colon <= 2 && text.size() == colon + 3 &&
         number(text.substr(0, colon), 24, options.hour) &&
         number(text.substr(colon + 1), 60, options.minute);
}

std::string when_text(const ScheduledJob& job) {
  const std::string_view day = job.every == Every::day    ? "day"
                               : job.every == Every::week ? "Sunday"
                                                          : "1st";
  return fmt::format("every {} at {:02}:{:02}", day, job.hour, job.minute);
}

std::vector<std::string> schedule_job_names() { return {job_names.begin(), job_names.end()}; }

std::vector<fs::path> files_of_job(const Scheduler& scheduler, const std::string& stack,
                                   const std::string& job) {
  if (!is_systemd(scheduler)) return {scheduler.folder / (label_of(stack, job) + ".plist")};
  const auto name = unit_name(stack, job);
  return {scheduler.folder / (name + ".service"), scheduler.folder / (name + ".timer")};
}

std::vector<ScheduleFile> schedule_files(const Scheduler& scheduler, const Schedule& schedule) {
  std::vector<ScheduleFile> files;
  for (const auto& job : schedule.jobs) {
    const auto paths = files_of_job(scheduler, schedule.stack, job.name);
    if (is_systemd(scheduler)) {
      files.push_back({paths[0], service_text(schedule, job)});
      files.push_back({paths[1], timer_text(job)});
    } else {
      files.push_back({paths[0], plist_text(schedule, job)});
    }
  }
  return files;
}

std::vector<ScheduleCommand> start_commands(const Scheduler& scheduler, const std::string& stack,
                                            const std::vector<std::string>& jobs) {
  if (is_systemd(scheduler)) {
    // A timer that runs already keeps its old time until it is restarted.
    return {{systemctl(scheduler, {"daemon-reload"})},
            {systemctl(scheduler, joined({"enable"}, timers(stack, jobs)))},
            {systemctl(scheduler, joined({"restart"}, timers(stack, jobs)))}};
  }
  std::vector<ScheduleCommand> commands;
  for (const auto& job : jobs) {
    commands.push_back(bootout(scheduler, stack, job));
    commands.push_back({{"launchctl", "bootstrap", domain(scheduler),
                         files_of_job(scheduler, stack, job).front().string()}});
  }
  return commands;
}

std::vector<ScheduleCommand> stop_commands(const Scheduler& scheduler, const std::string& stack,
                                           const std::vector<std::string>& jobs) {
  if (is_systemd(scheduler))
    return {{systemctl(scheduler, joined({"disable", "--now"}, timers(stack, jobs)))}};
  std::vector<ScheduleCommand> commands;
  for (const auto& job : jobs) commands.push_back(bootout(scheduler, stack, job));
  return commands;
}

std::vector<ScheduleCommand> removed_commands(const Scheduler& scheduler) {
  if (!is_systemd(scheduler)) return {};
  return {{systemctl(scheduler, {"daemon-reload"})}};
}

std::vector<ScheduleCommand> status_commands(const Scheduler& scheduler, const std::string& stack,
                                             const std::string& job) {
  if (!is_systemd(scheduler))
    return {{{"launchctl", "print", fmt::format("{}/{}", domain(scheduler), label_of(stack, job))},
             true}};
  const auto name = unit_name(stack, job);
  return {{systemctl(scheduler, {"show", name + ".timer",
                                 "--property=ActiveState,NextElapseUSecRealtime,LastTriggerUSec"}),
           true},
          {systemctl(scheduler, {"show", name + ".service",
                                 "--property=ExecMainStartTimestamp,ExecMainStatus"}),
           true}};
}

JobStatus parse_status(const Scheduler& scheduler, std::string_view answer) {
  const auto fields = fields_of(answer);
  const auto field = [&](std::string_view key) {
    const auto found = fields.find(key);
    return found == fields.end() || found->second == "n/a" ? std::string() : found->second;
  };
  JobStatus status;
  if (is_systemd(scheduler)) {
    status.active = field("ActiveState") == "active";
    status.next = field("NextElapseUSecRealtime");
    status.last = field("LastTriggerUSec");
    if (!field("ExecMainStartTimestamp").empty())
      status.result = result_text(field("ExecMainStatus"));
    return status;
  }
  status.active = fields.count("state") != 0;
  const auto code = field("last exit code");
  // "78: EX_CONFIG", and "(never exited)" for one that did not run yet.
  if (!code.empty() && code.front() != '(')
    status.result = result_text(code.substr(0, code.find(':')));
  return status;
}

}  // namespace fusebox::cli
