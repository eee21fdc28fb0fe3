// SPDX-License-Identifier: Apache-2.0
#include "cli/schedule_text.hpp"

#include "util/error.hpp"

#include <doctest/doctest.h>

using namespace fusebox::cli;

namespace {

Schedule sample() {
  Schedule schedule;
  schedule.stack = "demo";
  schedule.record = schedule_record({});
  schedule.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/Users/a & b"}};
  schedule.logs = "/Users/a & b/state";
  ScheduledJob backup;
  backup.name = "backup";
  backup.description = "Backup of the stack demo";
  backup.command = {"/opt/fuse box/bin/fusebox", "--config", "/srv/100%/a$b\"c\\d/fusebox.toml",
                    "backup", "create"};
  ScheduledJob drill = backup;
  drill.name = "drill";
  drill.every = Every::week;
  drill.hour = 3;
  schedule.jobs = {backup, drill};
  return schedule;
}

Scheduler systemd() { return {Scheduler::Kind::systemd, false, "/units", 1000}; }
Scheduler launchd() { return {Scheduler::Kind::launchd, false, "/agents", 501}; }

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a systemd service says all it needs, whatever the paths hold") {
  const auto files = schedule_files(systemd(), sample());
  REQUIRE(files.size() == 4);
  CHECK(files[0].path == "/units/fusebox-demo-backup.service");
  CHECK(
      files[0].text ==
      R"(# Written by `fusebox backup schedule install`, which writes it anew. What is your own belongs into a drop-in.
# fusebox-schedule: daily=02:00 drill=weekly
[Unit]
Description=Backup of the stack demo

[Service]
Type=oneshot
ExecStart=:"/opt/fuse box/bin/fusebox" --config "/srv/100%%/a$b\"c\\d/fusebox.toml" backup create
Environment="PATH=/usr/bin:/bin"
Environment="HOME=/Users/a & b"
UMask=0077
Nice=10
# 75: skipped, because what it needs is absent.
SuccessExitStatus=75
# Services that the run starts again outlive it, and it has time to undo.
KillMode=process
TimeoutStopSec=15min
)");
  CHECK(files[3].path == "/units/fusebox-demo-drill.timer");
  CHECK(files[3].text ==
        R"(# Written by `fusebox backup schedule install`.
[Unit]
Description=Backup of the stack demo, every Sunday at 03:00

[Timer]
OnCalendar=Sun *-*-* 03:00:00
# What was missed while the machine slept or was off runs once it is up again.
Persistent=true

[Install]
WantedBy=timers.target
)");
}

TEST_CASE("a launchd agent says the same as a property list") {
  const auto files = schedule_files(launchd(), sample());
  REQUIRE(files.size() == 2);
  CHECK(files[1].path == "/agents/fusebox.demo.drill.plist");
  CHECK(files[1].text ==
        R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by `fusebox backup schedule install`, which writes it anew. -->
<!-- fusebox-schedule: daily=02:00 drill=weekly -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>fusebox.demo.drill</string>
  <key>ProgramArguments</key>
  <array>
    <string>/opt/fuse box/bin/fusebox</string>
    <string>--config</string>
    <string>/srv/100%/a$b"c\d/fusebox.toml</string>
    <string>backup</string>
    <string>create</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>/usr/bin:/bin</string>
    <key>HOME</key>
    <string>/Users/a &amp; b</string>
  </dict>
  <key>StartCalendarInterval</key>
  <dict>
    <key>Weekday</key>
    <integer>0</integer>
    <key>Hour</key>
    <integer>3</integer>
    <key>Minute</key>
    <integer>0</integer>
  </dict>
  <key>StandardOutPath</key>
  <string>/Users/a &amp; b/state/schedule-drill.log</string>
  <key>StandardErrorPath</key>
  <string>/Users/a &amp; b/state/schedule-drill.log</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
)");
}

TEST_CASE("the commands that go with the files, by scheduler and by scope") {
  const auto start = start_commands(systemd(), "demo", {"backup", "drill"});
  REQUIRE(start.size() == 3);
  CHECK(start[1].words == Words{"systemctl", "--user", "enable", "fusebox-demo-backup.timer",
                                "fusebox-demo-drill.timer"});
  Scheduler machine = systemd();
  machine.system = true;
  CHECK(stop_commands(machine, "demo", {"backup"}).front().words ==
        Words{"systemctl", "disable", "--now", "fusebox-demo-backup.timer"});

  const auto agents = start_commands(launchd(), "demo", {"backup"});
  REQUIRE(agents.size() == 2);
  CHECK(agents[0].may_fail);  // it need not be loaded yet
  CHECK(agents[0].words == Words{"launchctl", "bootout", "gui/501/fusebox.demo.backup"});
  CHECK(agents[1].words ==
        Words{"launchctl", "bootstrap", "gui/501", "/agents/fusebox.demo.backup.plist"});
  Scheduler daemon = launchd();
  daemon.system = true;
  CHECK(start_commands(daemon, "demo", {"backup"})[1].words[2] == "system");
}

TEST_CASE("a file tells the options that it was made with") {
  const ScheduleOptions options{4, 5, "monthly", "tidy", "report"};
  Schedule schedule = sample();
  schedule.record = schedule_record(options);
  for (const auto& scheduler : {systemd(), launchd()}) {
    const auto found = parse_schedule_record(schedule_files(scheduler, schedule).front().text);
    REQUIRE(found.has_value());
    CHECK(schedule_record(*found) == "daily=04:05 drill=monthly weekly=tidy monthly=report");
  }
  CHECK_FALSE(parse_schedule_record("[Unit]\n").has_value());
  CHECK_FALSE(parse_schedule_record("# fusebox-schedule: daily=99:00\n").has_value());
}

TEST_CASE("a time of day is hours and two digits of minutes") {
  ScheduleOptions options;
  CHECK(parse_time_of_day("3:30", options));
  CHECK(options.hour == 3);
  CHECK(options.minute == 30);
  for (const char* wrong : {"", "2", "24:00", "02:60", "2:5", "-1:00", "02:0x", "02:00:00", ":30"})
    CHECK_FALSE(parse_time_of_day(wrong, options));
}

TEST_CASE("the system's word on a job is read from what its program prints") {
  const auto timer = parse_status(systemd(),
                                  "ActiveState=active\nNextElapseUSecRealtime=Wed 2026-11-25 "
                                  "02:00:00 UTC\nLastTriggerUSec=n/a\nExecMainStartTimestamp=\n"
                                  "ExecMainStatus=0\n");
  CHECK(timer.active);
  CHECK(timer.next == "Wed 2026-11-25 02:00:00 UTC");
  CHECK(timer.last.empty());
  CHECK(timer.result.empty());
  const auto failed = parse_status(systemd(),
                                   "ActiveState=inactive\nExecMainStartTimestamp=Tue 2026-11-24 "
                                   "02:00:00 UTC\nExecMainStatus=3\n");
  CHECK_FALSE(failed.active);
  CHECK(failed.result == "exit code 3");

  const auto agent =
      parse_status(launchd(),
                   "gui/501/fusebox.demo.backup = {\n\tstate = not running\n\truns = "
                   "1\n\tlast exit code = 75: EX_TEMPFAIL\n}\n");
  CHECK(agent.active);
  CHECK(agent.result == "skipped");
  CHECK(parse_status(launchd(), "\tstate = waiting\n\tlast exit code = (never exited)\n")
            .result.empty());
  CHECK_FALSE(parse_status(launchd(), "").active);
}

TEST_CASE("a path that no such file can hold is refused") {
  Schedule schedule = sample();
  schedule.jobs[0].command[2] = "/srv/a\nExecStart=/bin/evil";
  CHECK_THROWS_AS(schedule_files(systemd(), schedule), fusebox::Error);
  CHECK_THROWS_AS(schedule_files(launchd(), schedule), fusebox::Error);
}
