// SPDX-License-Identifier: Apache-2.0
#include "real_gitleaks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "engine/report_reader.hpp"
#include "programs.hpp"

namespace fusebox::scan {

namespace {

constexpr int kFound = 77;  // 1 is also gitleaks' code for an error
constexpr std::size_t kBlock = std::size_t{64} << 10U;

std::vector<std::string> source_words(const ScanRequest& request) {
  const std::string path = request.path.string();
  switch (request.source) {
    case Source::folder:
      return {"dir", path};
    case Source::staged:
      return {"git", "--staged", path};
    case Source::unstaged:
      return {"git", "--pre-commit", path};
    case Source::history:
      return {"git", path};
    case Source::since:
      return {"git", "--log-opts", request.revision + "..HEAD", path};
    case Source::log:
      return {"git", "--log-opts", fmt::format("{}", fmt::join(request.log_options, " ")), path};
    case Source::input:
      break;
  }
  throw fbx::Error(FBX_UNSUPPORTED, "standard input is scanned by fusebox alone",
                   "leave out --engine");
}

std::vector<std::string> command(const ScanRequest& request) {
  const Options& options = request.options;
  std::vector<std::string> words = {"gitleaks"};
  for (std::string& word : source_words(request)) words.push_back(std::move(word));
  const auto add = [&](std::string_view name, const std::string& value) {
    words.push_back(fmt::format("--{}={}", name, value));
  };
  for (const char* flag :
       {"--no-banner", "--log-level=error", "--report-format=json", "--report-path=-"})
    words.emplace_back(flag);
  add("exit-code", std::to_string(kFound));
  add("redact", std::to_string(options.redact));
  add("max-decode-depth", std::to_string(options.max_decode_depth));
  add("max-archive-depth", std::to_string(options.max_archive_depth));
  add("max-target-megabytes", std::to_string(options.max_target_megabytes));
  add("gitleaks-ignore-path", options.ignore.string());
  const bool has_own = std::filesystem::exists(request.path / ".gitleaks.toml");
  if (!request.config.empty()) {
    add("config", request.config.string());
  } else if (!has_own && !request.rules.default_rules.empty()) {
    add("config", request.rules.default_rules.string());
  }
  if (!options.baseline.empty()) add("baseline-path", options.baseline.string());
  for (const std::string& id : request.rules.enable) add("enable-rule", id);
  if (options.ignore_allow_comments) words.emplace_back("--ignore-gitleaks-allow");
  if (options.follow_symlinks && request.source == Source::folder)
    words.emplace_back("--follow-symlinks");
  return words;
}

}  // namespace

Report scan_with_gitleaks(const fbx::Op& op, const ScanRequest& request) {
  const auto program = program_starter(op)(command(request), "");
  std::string text;
  std::vector<char> block(kBlock);
  for (std::size_t got = program->read(block); got > 0; got = program->read(block))
    text.append(block.data(), got);
  const Program::End end = program->wait();
  if (end.exit_code != 0 && end.exit_code != kFound)
    throw fbx::Error(
        FBX_FAILED,
        fmt::format("gitleaks ended with {}: {}", end.exit_code, end.err.substr(0, 500)),
        "see what it says; --engine builtin does without it");
  Report report;
  try {
    report.findings = read_json_report(text);
  } catch (const std::runtime_error& error) {
    throw fbx::Error(FBX_FAILED, fmt::format("gitleaks' report cannot be read: {}", error.what()),
                     "use gitleaks 8.26 or newer");
  }
  return report;
}

}  // namespace fusebox::scan
