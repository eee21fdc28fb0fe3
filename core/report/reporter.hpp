// SPDX-License-Identifier: Apache-2.0
// The reporters, and the choice among them.
#pragma once

#include "report/event.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fusebox::report {

struct ReporterOptions {
  bool json = false;         // JSON lines, whatever else is asked for
  bool quiet = false;        // what went wrong alone
  bool verbose = false;      // all log lines and metrics too
  bool force_plain = false;  // no live view, also on a terminal
  bool no_color = false;
  int out_fd = 1;  // borrowed
};

// JSON lines; else the live view on a terminal that can do it; else plain lines. Writing to someone
// who went away is no error: a run is not stopped for want of a reader.
std::unique_ptr<Reporter> make_reporter(const ReporterOptions& options);

// Tells several reporters of every event, one call at a time.
class Fanout : public Reporter {
 public:
  explicit Fanout(std::vector<std::unique_ptr<Reporter>> reporters)
      : reporters_(std::move(reporters)) {}
  void on_event(const Event& event) override;

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reporter>> reporters_;
};

// The event as `--json` prints it and observers get it, without a newline.
std::string to_json(const Event& event);

// The version of what to_json() makes; docs/JSON.md says what may change within one.
inline constexpr int schema_version = 1;

}  // namespace fusebox::report
