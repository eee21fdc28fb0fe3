// SPDX-License-Identifier: Apache-2.0
// security-audit: all that can be wrong around secrets, in one report.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/dotenv.hpp"
#include "common/io.hpp"
#include "common/secret_rules.hpp"
#include "security/hook.hpp"
#include "security/incidents.hpp"
#include "security/security.hpp"

namespace fs = std::filesystem;
namespace common = fbx::common;
using common::Result;
using common::Severity;

namespace fusebox::scan {

namespace {

constexpr std::size_t most_told = 20;  // of each kind
constexpr std::size_t most_bytes = std::size_t{1} << 20U;

bool is_env_file(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".template") || name.ends_with(".example") || name.ends_with(".sample"))
    return false;
  return name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
}

bool is_key_file(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const char* end : {".pem", ".key", ".p12", ".pfx", ".ppk"})
    if (name.ends_with(end)) return true;
  return name.starts_with("id_") && file.extension() != ".pub";
}

class Audit {
 public:
  Audit(fbx::Op& op, const Repository& repository, const SecurityRequest& request)
      : op_(op), repository_(repository), request_(request) {}

  Result take() {
    scans();
    hook();
    tracked();
    files();
    audit_environments(op_, request_, result_);
    std::size_t errors = 0;
    std::size_t warnings = 0;
    for (const auto& finding : result_.findings()) {
      errors += finding.severity == Severity::error;
      warnings += finding.severity == Severity::warning;
    }
    return result_.changed(false).summary(
        errors + warnings == 0 ? "nothing is wrong around the secrets of this repository"
                               : fmt::format("{} errors, {} warnings", errors, warnings));
  }

 private:
  void scans() {
    Options options;
    options.ignore = repository_.top();
    options.redact = 100;
    options.cache = request_.rules.cache;
    options.cancelled = [this] { return op_.cancelled(); };
    std::shared_ptr<const Rules> rules;
    try {
      rules = find_rules({}, repository_.top(), request_.rules);
    } catch (const RulesError& error) {
      throw fbx::Error(FBX_CONFIG, error.what(), "mend the rules file; nothing was scanned");
    }
    Scanner scanner(rules, options);
    const fs::path& top = repository_.top();
    const auto& start = repository_.starter();
    if (repository_.has_commits()) tell("the history", scanner.history(top, start));
    tell("what is staged", scanner.staged(top, start));
    tell("changes that are not staged", scanner.unstaged(top, start));
    tell("the working tree", scanner.folder(top));
  }

  void tell(const char* source, const Report& report) {
    op_.check("looking for secrets");
    std::string key = source;
    std::replace(key.begin(), key.end(), ' ', '_');
    result_.metric(key, static_cast<std::int64_t>(report.findings.size()), "");
    const std::size_t told = std::min(report.findings.size(), most_told);
    for (std::size_t i = 0; i < told; ++i) {
      const Finding& finding = report.findings[i];
      result_.add({Severity::error, fmt::format("{} in {}", finding.rule_id, source),
                   fmt::format("fingerprint {}", finding.fingerprint), "see .security/RUNBOOK.md",
                   fmt::format("{}:{}", finding.file, finding.start_line)});
    }
    if (told < report.findings.size())
      result_.add({Severity::error,
                   fmt::format("{} more in {}", report.findings.size() - told, source), "",
                   "fusebox scan shows all", ""});
    for (const Problem& problem : report.problems)
      result_.add(
          {Severity::warning, fmt::format("not scanned: {}", problem.what), "", "", problem.where});
  }

  void hook() {
    const std::string path = hook_path(repository_).string();
    switch (hook_state(repository_)) {
      case Hook::ours:
      case Hook::framework:
        return;
      case Hook::none:
        result_.add(
            {Severity::error, "no hook looks at commits", "", "fusebox security init", path});
        return;
      case Hook::not_executable:
        result_.add({Severity::error, "git passes the hook by: it is not executable", "",
                     "chmod +x " + path, path});
        return;
      case Hook::foreign:
      case Hook::framework_bare:
        result_.add({Severity::error, "the hook is another's and does not run fusebox", "",
                     "fusebox security init says what to add", path});
    }
  }

  void tracked() {
    for (const std::string& file : repository_.tracked())
      if (is_env_file(file))
        result_.add({Severity::error, "git tracks an environment file", "",
                     "git rm --cached it, add it to .gitignore, revoke what is in it", file});
  }

  // Modes and contents of what holds values, tracked or not.
  void files() {
    std::error_code error;
    fs::recursive_directory_iterator it(repository_.top(),
                                        fs::directory_options::skip_permission_denied, error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      const fs::path& path = it->path();
      if (it->is_directory(error) &&
          (path.filename() == ".git" || path.filename() == "node_modules"))
        it.disable_recursion_pending();
      const bool env = is_env_file(path);
      if (it->is_symlink(error) || !it->is_regular_file(error)) continue;
      if (!env && !is_key_file(path) && !path.string().ends_with(incidents_file)) continue;
      modes(path);
      if (env) defaults(path);
    }
  }

  void modes(const fs::path& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || (found.st_mode & 077U) == 0) return;
    result_.add({Severity::warning,
                 fmt::format("others may read it: mode {:04o}", found.st_mode & 07777U), "",
                 "chmod 600 " + path.string(), path.string()});
  }

  void defaults(const fs::path& path) {
    try {
      const auto content = common::parse_dotenv(common::read_file(path, most_bytes), path.string(),
                                                [](std::string_view) { return std::nullopt; });
      for (const auto& entry : content.entries)
        for (auto& finding :
             common::judge_secret(entry.name, entry.value.view(),
                                  fmt::format("{}:{}", path.string(), entry.place.line)))
          if (finding.severity == Severity::error) result_.add(std::move(finding));
    } catch (const std::exception&) {
      result_.add(
          {Severity::warning, "no environment file that can be read", "", "", path.string()});
    }
  }

  fbx::Op& op_;
  const Repository& repository_;
  const SecurityRequest& request_;
  Result result_;
};

}  // namespace

Result security_audit(fbx::Op& op, const Repository& repository, const SecurityRequest& request) {
  return Audit(op, repository, request).take();
}

}  // namespace fusebox::scan
