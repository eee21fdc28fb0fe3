// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/gitleaks.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fusebox/plugin.hpp>
#include <iterator>
#include <stdexcept>

#include "core/util/error.hpp"
#include "core/util/subprocess.hpp"
#include "engine/report_reader.hpp"
#include "programs.hpp"
#include "report/report.hpp"
#include "tests/support/fake_host.hpp"
#include "tests/support/temp_dir.hpp"

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

constexpr int kSkipped = 77;

fs::path cache() {
  const char* named = std::getenv("XDG_CACHE_HOME");
  if (named != nullptr && *named != '\0') return fs::path(named) / "fusebox";
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "/" : home) / ".cache/fusebox";
}

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

Ran run(const fs::path& folder, std::vector<std::string> command) {
  util::ProcessSpec spec;
  spec.command = std::move(command);
  spec.cwd = folder;
  spec.unset = {"GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML"};
  Ran ran;
  ran.code = util::run_process(
                 spec, [&](std::string_view bytes) { ran.out += bytes; },
                 [&](std::string_view bytes) { ran.err += bytes; },
                 std::chrono::steady_clock::now() + std::chrono::minutes(3), nullptr)
                 .exit_code;
  return ran;
}

std::vector<std::string> gitleaks_command(const Case& what) {
  std::vector<std::string> words = {gitleaks().string()};
  if (what.kind == Kind::folder) {
    words.emplace_back("dir");
  } else {
    words.emplace_back("git");
    if (what.kind == Kind::staged) words.emplace_back("--staged");
    if (what.kind == Kind::log)
      words.push_back(fmt::format("--log-opts={}", fmt::join(what.log_options, " ")));
  }
  words.push_back(what.path);
  for (const char* flag :
       {"--no-banner", "--log-level=error", "--report-format=json", "--report-path=-"})
    words.emplace_back(flag);
  words.insert(words.end(), what.flags.begin(), what.flags.end());
  if (!what.config.empty()) words.push_back("--config=" + what.config.string());
  return words;
}

// All that a finding says but the order, on one line. Entropy is summed in no certain order.
std::vector<std::string> lines_of(const std::vector<scan::Finding>& findings) {
  std::vector<std::string> lines;
  for (const scan::Finding& f : findings)
    lines.push_back(
        fmt::format("{}:{}-{}:{}-{} {} [{}] [{}] {} {} {} {:.3f} {} {} {} [{}] {} {} {}", f.file,
                    f.start_line, f.end_line, f.start_column, f.end_column, f.rule_id, f.match,
                    f.secret, f.symlink_file, f.commit, f.link, f.entropy, f.author, f.email,
                    f.date, f.message, fmt::join(f.tags, ","), f.fingerprint, f.description));
  std::sort(lines.begin(), lines.end());
  return lines;
}

scan::Report scan_ours(const Case& what, scan::PrefilterUse prefilter) {
  static const TempDir kept;  // what is compiled of rules takes a second
  FakeHost host;
  fbx_op raw{&host, {}};
  const fbx::Op op(&fake::table, &raw);
  const auto start = scan::program_starter(op);
  scan::RulesOptions rules;
  rules.default_rules = gitleaks_rules();
  rules.enable = what.enable;
  scan::Options options = what.options;
  options.config = what.config;
  options.prefilter = prefilter;
  options.cache = kept / "cache";
  const fs::path before = fs::current_path();
  fs::current_path(what.folder);
  scan::Scanner scanner(scan::find_rules(what.config, what.path, rules), options);
  scan::Report report;
  switch (what.kind) {
    case Kind::folder:
      report = scanner.folder(what.path);
      break;
    case Kind::staged:
      report = scanner.staged(what.path, start);
      break;
    case Kind::history:
      report = scanner.history(what.path, start);
      break;
    case Kind::log:
      report = scanner.log(what.path, what.log_options, start);
      break;
  }
  fs::current_path(before);
  return report;
}

std::size_t check_same(const Case& what, const std::vector<std::string>& theirs,
                       scan::PrefilterUse prefilter) {
  const scan::Report report = scan_ours(what, prefilter);
  // Through our own report, so that invalid UTF-8 is spelled as in theirs.
  const auto ours = lines_of(scan::read_json_report(scan::write_json(report.findings)));
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(),
                      std::back_inserter(missing));
  std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                      std::back_inserter(extra));
  INFO("in ", what.folder.string(), " ", what.path,
       prefilter == scan::PrefilterUse::always ? ", with the prefilter" : "");
  INFO("gitleaks alone finds:\n", fmt::format("{}", fmt::join(missing, "\n")));
  INFO("the engine alone finds:\n", fmt::format("{}", fmt::join(extra, "\n")));
  CHECK(missing.empty());
  CHECK(extra.empty());
  return ours.size();
}

}  // namespace

fs::path gitleaks() { return cache() / "bin/gitleaks"; }
fs::path gitleaks_rules() { return cache() / "gitleaks/gitleaks.toml"; }

void need_gitleaks() {
  std::error_code error;
  if (fs::exists(gitleaks(), error) && fs::exists(gitleaks_rules(), error)) return;
  std::printf("SKIPPED: there is no %s with its rules; `cmake/setup.sh test` builds it with go\n",
              gitleaks().c_str());
  std::exit(kSkipped);
}

std::size_t compare(const Case& what) {
  const Ran ran = run(what.folder, gitleaks_command(what));
  INFO("gitleaks: ", ran.code, " ", ran.err);
  REQUIRE(ran.code <= 1);
  const auto theirs = lines_of(scan::read_json_report(ran.out));
  check_same(what, theirs, scan::PrefilterUse::never);
  return check_same(what, theirs, scan::PrefilterUse::always);
}

std::size_t count_ours(const Case& what) {
  return scan_ours(what, scan::PrefilterUse::never).findings.size();
}

std::string run_in(const fs::path& folder, std::vector<std::string> command) {
  const std::string name = fmt::format("{}", fmt::join(command, " "));
  const Ran ran = run(folder, std::move(command));
  if (ran.code != 0) throw std::runtime_error(fmt::format("{}: {}", name, ran.err));
  return ran.out;
}

}  // namespace fusebox::test
