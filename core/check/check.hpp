// SPDX-License-Identifier: Apache-2.0
// The conformance checks of a plugin library: what there is to check, and how one ended.
#pragma once

#include "plugin/manifest.hpp"

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::check {

class Scene;

enum class Outcome { success, warn, fail, crash, skip };
std::string_view to_string(Outcome outcome);

// Thrown by a check that does not end well.
struct Verdict {
  Outcome outcome = Outcome::success;
  std::string why;
};
[[noreturn]] void fail(std::string why);
[[noreturn]] void warn(std::string why);
[[noreturn]] void skip(std::string why);

struct Check {
  std::string_view id;  // "step.plan-effects"
  int strictness;       // 1: every host relies on it; 10: a matter of taste
  std::string_view summary;
  void (*run)(Scene&);
};

// All of them, in the order in which they run.
std::vector<Check> checks();

// One group each, in a file of its own.
std::span<const Check> manifest_checks();
std::span<const Check> entry_checks();
std::span<const Check> interface_checks();
std::span<const Check> life_checks();
std::span<const Check> config_checks();
std::span<const Check> step_checks();
std::span<const Check> run_checks();
std::span<const Check> leak_checks();
std::span<const Check> secret_checks();
std::span<const Check> snapshot_checks();
std::span<const Check> store_checks();
std::span<const Check> service_checks();

// What is checked.
struct Subject {
  std::filesystem::path library;
  std::filesystem::path manifest_file;
  std::optional<plugin::Manifest> manifest;
  std::string manifest_problem;                 // why there is none
  std::optional<boost::json::object> settings;  // canonical; without: made up from the schema
  bool may_change = false;                      // verbs with an effect may run, and be undone
};

struct Options {
  int strictness = 5;
  std::uint64_t seed = 0;
  std::vector<std::string> only;            // ids or groups; none: all
  std::chrono::milliseconds limit{20'000};  // of one check
  bool in_process = false;
};

struct Report {
  Check check;
  Verdict verdict;
  std::chrono::milliseconds took{0};
};

// Those that the options choose. Throws Error{not_found} for an unknown id in `only`.
std::vector<Check> chosen(const Options& options);

// Runs them one after another, each in a process of its own unless the options say otherwise; call
// it before any thread is started.
void run_checks_on(const Subject& subject, const Options& options,
                   const std::function<void(const Report&)>& on_report);

}  // namespace fusebox::check
