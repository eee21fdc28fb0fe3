// SPDX-License-Identifier: Apache-2.0
#include "security/security.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/io.hpp"
#include "common/secrets.hpp"
#include "programs.hpp"
#include "security/hook.hpp"
#include "security/incidents.hpp"

namespace fs = std::filesystem;
using fbx::common::Result;
using fbx::common::Severity;

namespace fusebox::scan {

namespace {

constexpr const char* runbook =
    R"(# When a secret has leaked

1. **Revoke it first.** Whoever has seen it has it; taking it out of a file changes nothing about that.
   `fusebox security rotate` says how for each secret of a Langfuse stack.
2. **Find out where it was.** `fusebox security log` (rule, file, line, who, when), then
   `fusebox scan --history`: every branch. Was it pushed? Then it counts as public.
3. **Take it out.** Put the value into the vault and an `op://` reference into its place. Not pushed:
   `git commit --amend`, or `git rebase -i`. Pushed: rewriting the history helps against the next
   reader, not the last one; agree on it with everybody who has a clone.
4. **Look for its use.** The provider's audit log, from the time of the commit on.
5. **Close it.** `fusebox security audit` is clean, and `fusebox security test` shows that the gate bites.

A false alarm: put the finding's fingerprint into `.gitleaksignore`, with the reason in a comment
above it. Never an allowlist of a whole file.
)";

// Written once: it is the team's own from then on.
bool write_new(const fs::path& path, std::string_view text) {
  if (fs::exists(path)) return false;
  fs::create_directories(path.parent_path());
  fbx::common::write_file(path, text);
  if (::chmod(path.c_str(), 0644) != 0) throw fbx::common::io_error("opening up", path, errno);
  return true;
}

const char* name_of(Source source) {
  switch (source) {
    case Source::staged:
      return "staged";
    case Source::unstaged:
      return "unstaged";
    case Source::folder:
      return "folder";
    case Source::input:
      return "stdin";
    case Source::history:
    case Source::since:
    case Source::log:
      return "history";
  }
  return "";
}

Repository repository_of(fbx::Op& op, const SecurityRequest& request) {
  return Repository(request.folder, program_starter(op));
}

}  // namespace

fs::path own_program() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

void note_incidents(const fbx::Op& op, const ScanRequest& request, const Report& report) {
  if (report.findings.empty() || request.source == Source::input) return;
  try {
    const fs::path folder =
        fs::is_directory(request.path) ? request.path : request.path.parent_path();
    const Repository repository(folder.empty() ? "." : folder, program_starter(op));
    record_incidents(repository.top(), repository.user(), name_of(request.source), report.findings);
  } catch (const fbx::Error& error) {
    if (error.rc() != FBX_NOT_FOUND) op.log(fbx::Level::warn, error.what());
  }
}

Result security_init(const Repository& repository, const SecurityRequest& request) {
  Result result;
  bool changed = write_new(repository.top() / ".security/RUNBOOK.md", runbook);
  changed |= write_new(repository.top() / ".security/.gitignore", "/incidents.log\n");
  const bool hook = install_hook(repository, request.program);
  const fs::path path = hook_path(repository);
  if (hook) result.artifact("hook", path.string());
  return result.changed(changed || hook)
      .summary(hook ? fmt::format("every commit is looked at from now on, by {}", path.string())
                    : fmt::format("{} looks at every commit already", path.string()));
}

Result security_log(const Repository& repository, const SecurityRequest& request) {
  std::size_t torn = 0;
  const auto incidents = read_incidents(repository.top(), torn);
  const auto wanted = static_cast<std::size_t>(
      std::max<std::int64_t>(0, fbx::common::integer_at(request.step.with, "last").value_or(20)));
  Result result;
  const std::size_t from = incidents.size() > wanted ? incidents.size() - wanted : 0;
  for (std::size_t i = from; i < incidents.size(); ++i) {
    const Incident& incident = incidents[i];
    result.add(
        {Severity::warning,
         fmt::format("{} {}: {} ({})", incident.time, incident.rule, incident.source, incident.who),
         fmt::format("fingerprint {}", incident.fingerprint), "",
         fmt::format("{}:{}", incident.file, incident.line)});
  }
  if (torn > 0)
    result.add({Severity::warning, fmt::format("{} lines cannot be read", torn), "", "",
                (repository.top() / incidents_file).string()});
  return result.changed(false)
      .metric("incidents", static_cast<std::int64_t>(incidents.size()), "")
      .summary(fmt::format("{} in {}", fbx::common::counted(incidents.size(), "incident"),
                           (repository.top() / incidents_file).string()));
}

std::string plan_security(fbx::Op& op, const SecurityRequest& request) {
  Result result;
  if (request.step.verb == "security-init") {
    const Repository repository = repository_of(op, request);
    if (hook_state(repository) != Hook::ours)
      result.action(fmt::format("write the hook {}", hook_path(repository).string()));
    if (!fs::exists(repository.top() / ".security/RUNBOOK.md"))
      result.action(fmt::format("write {}", (repository.top() / ".security").string()));
  }
  return result.json();
}

std::string run_security(fbx::Op& op, const SecurityRequest& request) {
  const Repository repository = repository_of(op, request);
  const std::string& verb = request.step.verb;
  if (verb == "security-init") return security_init(repository, request).json();
  if (verb == "security-test") return security_test(op, repository, request).json();
  if (verb == "security-audit") return security_audit(op, repository, request).json();
  if (verb == "security-log") return security_log(repository, request).json();
  if (verb == "security-rotate") return security_rotate(repository).json();
  throw fbx::Error(FBX_UNSUPPORTED, fmt::format("there is no verb \"{}\"", verb));
}

}  // namespace fusebox::scan
