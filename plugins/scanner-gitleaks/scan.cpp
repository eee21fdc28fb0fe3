// SPDX-License-Identifier: Apache-2.0
#include "scan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <common/io.hpp>
#include <set>
#include <system_error>

#include "programs.hpp"
#include "real_gitleaks.hpp"
#include "report/report.hpp"

namespace fusebox::scan {

namespace common = fbx::common;
using common::Severity;

namespace {

constexpr std::size_t kMostFindings = 100;  // in a result; a report has all
constexpr std::size_t kMostNotes = 20;
constexpr std::string_view version = FUSEBOX_VERSION;

std::shared_ptr<const Rules> rules_for(const ScanRequest& request) {
  const bool is_input = request.source == Source::input;
  try {
    return find_rules(request.config, is_input ? std::filesystem::path(".") : request.path,
                      request.rules);
  } catch (const RulesError& error) {
    throw fbx::Error(FBX_CONFIG, error.what(), "mend the rules file; nothing was scanned");
  }
}

Report scan_with(Scanner& scanner, const ScanRequest& request, const StartProgram& start) {
  switch (request.source) {
    case Source::folder:
      return scanner.folder(request.path);
    case Source::input:
      return scanner.stream(STDIN_FILENO);
    case Source::staged:
      return scanner.staged(request.path, start);
    case Source::unstaged:
      return scanner.unstaged(request.path, start);
    case Source::history:
      return scanner.history(request.path, start);
    case Source::since:
      return scanner.since(request.path, request.revision, start);
    case Source::log:
      return scanner.log(request.path, request.log_options, start);
  }
  return {};
}

Report scan_builtin(const fbx::Op& op, const ScanRequest& request) {
  const auto rules = rules_for(request);
  Options options = request.options;
  options.cancelled = [&op] { return op.cancelled(); };
  try {
    Scanner scanner(rules, std::move(options));
    Report report = scan_with(scanner, request, program_starter(op));
    op.check("looking for secrets");
    return report;
  } catch (const std::system_error& error) {
    throw fbx::Error(
        FBX_NOT_FOUND,
        fmt::format("cannot scan {}: {}", request.path.string(), error.code().message()),
        "name a folder, a file or a repository that is there");
  } catch (const std::runtime_error& error) {
    throw fbx::Error(FBX_CONFIG, error.what(), "nothing was scanned");
  }
}

// What one engine finds and the other does not, as findings of a rule of that name.
Report difference(const Report& ours, const Report& theirs) {
  const auto prints = [](const Report& report) {
    std::multiset<std::string> all;
    for (const Finding& finding : report.findings)
      all.insert(fmt::format("{} {}-{}:{}-{} {} {}", finding.fingerprint, finding.start_line,
                             finding.end_line, finding.start_column, finding.end_column,
                             finding.date, fmt::join(finding.tags, ",")));
    return all;
  };
  const auto a = prints(ours);
  const auto b = prints(theirs);
  Report report = ours;
  const auto tell = [&](const auto& from, const auto& without, std::string_view who) {
    std::vector<std::string> only;
    std::set_difference(from.begin(), from.end(), without.begin(), without.end(),
                        std::back_inserter(only));
    for (const std::string& finding : only)
      report.problems.push_back({finding, fmt::format("only {} finds it", who)});
  };
  tell(a, b, "fusebox");
  tell(b, a, "gitleaks");
  return report;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void write_report(const ScanRequest& request, const std::string& text) {
  try {
    common::write_file(request.output, text);
  } catch (const fbx::Error& error) {
    throw fbx::Error(error.rc(), error.what(), "choose another file with --output");
  }
}

std::string summary(const ScanRequest& request, const Report& report) {
  const std::string found =
      report.findings.empty() ? "no secrets" : counted(report.findings.size(), "secret", "secrets");
  const std::string what = report.commits > 0 ? counted(report.commits, "commit", "commits")
                           : report.files > 0 ? counted(report.files, "file", "files")
                                              : source_text(request);
  const std::string missing =
      report.problems.empty()
          ? ""
          : fmt::format(", and {} not scanned",
                        counted(report.problems.size(), "place was", "places were"));
  return fmt::format("{} in {}{}", found, what, missing);
}

common::Finding told(const Finding& finding) {
  const std::string place = finding.file.empty()
                                ? fmt::format("line {}", finding.start_line)
                                : fmt::format("{}:{}", finding.file, finding.start_line);
  return {Severity::error, fmt::format("{}: {}", finding.rule_id, finding.description),
          fmt::format("fingerprint {}", finding.fingerprint),
          "take it out and revoke it; a false alarm goes into .gitleaksignore by its fingerprint",
          place};
}

void tell_notes(common::Result& result, const Report& report) {
  const auto tell = [&](Severity severity, std::size_t count, const auto& one) {
    for (std::size_t i = 0; i < std::min(count, kMostNotes); ++i) result.add(one(i));
    if (count > kMostNotes)
      result.add({severity, fmt::format("and {} more like it", count - kMostNotes), "", "", ""});
  };
  tell(Severity::warning, report.problems.size(), [&](std::size_t i) {
    const Problem& problem = report.problems[i];
    return common::Finding{Severity::warning, fmt::format("not scanned: {}", problem.what), "",
                           "make it readable, or leave it out by an allowlist", problem.where};
  });
  tell(Severity::info, report.skipped_archives.size(), [&](std::size_t i) {
    return common::Finding{Severity::info, "named like an archive, and not looked into", "",
                           "raise --max-archive-depth", report.skipped_archives[i]};
  });
  tell(Severity::warning, report.warnings.size(), [&](std::size_t i) {
    return common::Finding{Severity::warning, report.warnings[i], "", "", ""};
  });
}

}  // namespace

Report run_scan(const fbx::Op& op, const ScanRequest& request) {
  switch (request.engine) {
    case Engine::builtin:
      return scan_builtin(op, request);
    case Engine::gitleaks:
      return scan_with_gitleaks(op, request);
    case Engine::verify:
      return difference(scan_builtin(op, request), scan_with_gitleaks(op, request));
  }
  return {};
}

std::string source_text(const ScanRequest& request) {
  const std::string path = request.path.string();
  switch (request.source) {
    case Source::folder:
      return path;
    case Source::input:
      return "standard input";
    case Source::staged:
      return fmt::format("what is staged in {}", path);
    case Source::unstaged:
      return fmt::format("the changes in {}", path);
    case Source::history:
      return fmt::format("the history of {}", path);
    case Source::since:
      return fmt::format("the commits of {} since {}", path, request.revision);
    case Source::log:
      return fmt::format("commits of {}", path);
  }
  return path;
}

std::string scan_result(const fbx::Op& op, const ScanRequest& request, const Report& report) {
  std::string document;
  if (const auto format = format_of(request.format))
    document = write_report(*format, report.findings, *rules_for(request), version);
  if (!request.output.empty()) write_report(request, std::exchange(document, ""));
  // A scan that is not whole must not pass, and must not look like one that found something.
  if (report.findings.empty() && !report.problems.empty()) {
    for (std::size_t i = 0; i < std::min(report.problems.size(), kMostNotes); ++i)
      op.log(fbx::Level::error,
             fmt::format("{}: {}", report.problems[i].where, report.problems[i].what));
    throw fbx::Error(FBX_IO, summary(request, report),
                     "make them readable, or leave them out by an allowlist");
  }
  common::Result result;
  result.summary(summary(request, report));
  for (std::size_t i = 0; i < std::min(report.findings.size(), kMostFindings); ++i)
    result.add(told(report.findings[i]));
  if (report.findings.size() > kMostFindings)
    result.add({Severity::error, fmt::format("and {} more", report.findings.size() - kMostFindings),
                "", "--format json shows them all", ""});
  tell_notes(result, report);
  result.metric("secrets", static_cast<std::int64_t>(report.findings.size()), "");
  result.metric("scanned", static_cast<std::int64_t>(report.bytes), "bytes");
  if (!request.output.empty()) result.artifact("report", request.output.string());
  result.changed(false);
  if (document.empty()) return result.json();
  auto object = common::parse_object(result.json(), "the result");
  object["document"] = document;
  return boost::json::serialize(object);
}

}  // namespace fusebox::scan
