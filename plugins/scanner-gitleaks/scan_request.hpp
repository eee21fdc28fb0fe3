// SPDX-License-Identifier: Apache-2.0
// What the verb `scan` is asked for.
#pragma once

#include <common/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/scanner.hpp"

namespace fusebox::scan {

enum class Source { folder, staged, unstaged, history, since, log, input };
enum class Engine { builtin, gitleaks, verify };

struct ScanRequest {
  Source source = Source::folder;
  Engine engine = Engine::builtin;
  std::filesystem::path path;  // as typed
  std::string revision;
  std::vector<std::string> log_options;
  std::filesystem::path config;  // empty: none given
  std::string format;            // empty: no report
  std::filesystem::path output;  // empty: standard output
  RulesOptions rules;
  Options options;
};

// Throws fbx::Error{FBX_ARGUMENT} for options that exclude each other.
ScanRequest scan_request(const fbx::common::Context& context,
                         const fbx::common::StepRequest& request);

// The rules and the cache that the settings ask for.
RulesOptions rules_options(const fbx::common::Context& context);

// The option `path`, else the stack's folder, else the working one.
std::filesystem::path scan_path(const fbx::common::Context& context,
                                const fbx::common::StepRequest& request);

// fusebox's own rules, where they are installed.
std::filesystem::path own_rules();

}  // namespace fusebox::scan
