// SPDX-License-Identifier: Apache-2.0
// The files and commands by which the system itself runs backups: text alone, nothing is touched.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusebox::cli {

enum class Every { day, week, month };  // each day, each Sunday, each 1st

struct ScheduledJob {
  std::string name;  // "backup": the last part of its files' names
  std::string description;
  Every every = Every::day;
  int hour = 2;
  int minute = 0;
  std::vector<std::string> command;  // [0] is an absolute path
};

struct Schedule {
  std::string stack;
  std::string record;                                            // schedule_record() of its options
  std::vector<std::pair<std::string, std::string>> environment;  // no secret: a file is readable
  std::filesystem::path logs;  // launchd writes there; systemd has its journal
  std::vector<ScheduledJob> jobs;
};

// What is asked for on the command line.
struct ScheduleOptions {
  int hour = 2;
  int minute = 0;
  std::string drill = "weekly";  // weekly, monthly or never
  std::string weekly;            // a phase for Sundays; empty: none
  std::string monthly;           // a phase for the 1st; empty: none
};

// "daily=02:00 drill=weekly": what a file says of how it came to be.
std::string schedule_record(const ScheduleOptions& options);
// Of a file's text; nothing when it holds none.
std::optional<ScheduleOptions> parse_schedule_record(std::string_view text);
// "02:00" into hour and minute; false when it is no time of day.
bool parse_time_of_day(std::string_view text, ScheduleOptions& options);

// What runs things at their time: systemd or launchd, of the user or of the whole machine.
struct Scheduler {
  enum class Kind { systemd, launchd };
  Kind kind = Kind::systemd;
  bool system = false;
  std::filesystem::path folder;  // where its files belong
  uid_t user = 0;                // launchd names a user's domain by it
};

struct ScheduleFile {
  std::filesystem::path path;
  std::string text;
};

struct ScheduleCommand {
  std::vector<std::string> words;
  bool may_fail = false;  // of what need not be there
};

// Throws Error{argument} for a path that such a file cannot hold.
std::vector<ScheduleFile> schedule_files(const Scheduler& scheduler, const Schedule& schedule);

// The names of all jobs that a schedule may have.
std::vector<std::string> schedule_job_names();
// The files of a job, whether or not they are there.
std::vector<std::filesystem::path> files_of_job(const Scheduler& scheduler,
                                                const std::string& stack, const std::string& job);

// What to call once the files of these jobs are written; and before they are removed, with
// what comes after.
std::vector<ScheduleCommand> start_commands(const Scheduler& scheduler, const std::string& stack,
                                            const std::vector<std::string>& jobs);
std::vector<ScheduleCommand> stop_commands(const Scheduler& scheduler, const std::string& stack,
                                           const std::vector<std::string>& jobs);
std::vector<ScheduleCommand> removed_commands(const Scheduler& scheduler);

// What the system knows of a job.
struct JobStatus {
  bool active = false;
  std::string next;  // as the system says it; empty: it does not
  std::string last;
  std::string result;  // "success", "exit code 1"; empty: it never ran
};
std::vector<ScheduleCommand> status_commands(const Scheduler& scheduler, const std::string& stack,
                                             const std::string& job);
// `answer`: what these commands printed, one after the other.
JobStatus parse_status(const Scheduler& scheduler, std::string_view answer);

// "every day at 02:00", "every Sunday at 03:00", "every 1st at 03:00".
std::string when_text(const ScheduledJob& job);

}  // namespace fusebox::cli
