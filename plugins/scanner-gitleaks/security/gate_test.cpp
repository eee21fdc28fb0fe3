// SPDX-License-Identifier: Apache-2.0
// security-test: secrets are planted in a repository of its own, and have to be stopped.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "common/io.hpp"
#include "samples/samples.hpp"
#include "security/hook.hpp"
#include "security/security.hpp"

namespace fs = std::filesystem;
using fbx::common::Result;
using fbx::common::Severity;
using fusebox::samples::Expect;

namespace fusebox::scan {

namespace {

class Sandbox {
 public:
  explicit Sandbox(StartProgram start) : start_(std::move(start)) {
    std::string name = (fs::temp_directory_path() / "fusebox-gate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw fbx::common::io_error("making", name, errno);
    folder_ = name;
    const Ended ended = run_to_end(start_, {"git", "init", "-q", folder_.string()});
    if (ended.exit_code != 0)
      throw fbx::Error(FBX_FAILED, "git init failed: " + ended.err, "run it by hand to see why");
    fs::create_directories(hooks());
  }
  ~Sandbox() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  const fs::path& folder() const { return folder_; }
  fs::path hooks() const { return folder_ / ".git/own-hooks"; }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file, std::ios::binary) << text;
  }
  Ended git(std::vector<std::string> words) const {
    words.insert(words.begin(), {"git", "-C", folder_.string(), "-c", "user.name=fusebox", "-c",
                                 "user.email=fusebox@localhost", "-c", "commit.gpgsign=false", "-c",
                                 "core.hooksPath=" + hooks().string()});
    return run_to_end(start_, std::move(words));
  }
  void stage(const char* what) const {
    const Ended ended = git({"add", "-A", "-f", "--", what});
    if (ended.exit_code != 0)
      throw fbx::Error(FBX_FAILED, "git add failed: " + ended.err, "run it by hand to see why");
  }

 private:
  StartProgram start_;
  fs::path folder_;
};

std::shared_ptr<const Rules> our_rules(const SecurityRequest& request) {
  try {
    return load_rules(request.rules.default_rules, request.rules);
  } catch (const RulesError& error) {
    throw fbx::Error(FBX_CONFIG, error.what(), "mend the rules file; nothing was tested");
  }
}

// A secret of each rule, staged all at once; then what only refers to secrets.
void test_rules(fbx::Op& op, const StartProgram& start, const SecurityRequest& request,
                std::uint64_t seed, Result& result) {
  const Sandbox sandbox(start);
  std::map<std::string, std::set<std::string>> planted;  // file: rules
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const samples::Sample& sample : samples::all(seed)) {
    if (sample.expect != Expect::found || !seen.insert(sample.rule).second) continue;
    const fs::path file = fs::path("planted") / std::to_string(number++) / sample.file;
    sandbox.write(file, sample.text);
    planted[file.generic_string()].insert(sample.rule);
  }
  sandbox.write("references/secrets.env.template", samples::references());
  sandbox.write("references/compose.yml", samples::references());
  sandbox.stage(".");
  const auto rules = our_rules(request);
  Options options;
  options.ignore = sandbox.folder();
  options.cache = request.rules.cache;
  options.cancelled = [&op] { return op.cancelled(); };
  const Report report = Scanner(rules, options).staged(sandbox.folder(), start);
  op.check("looking for planted secrets");
  for (const Finding& finding : report.findings) {
    if (finding.file.starts_with("references/"))
      result.add({Severity::error,
                  fmt::format("{} takes a reference for a secret", finding.rule_id), "",
                  "report a bug, or mend the rule", finding.file});
    planted[finding.file].erase(finding.rule_id);
  }
  for (const auto& [file, missed] : planted)
    for (const std::string& rule : missed) {
      const bool path_only = rules->find(rule) != nullptr && rules->find(rule)->regex.empty();
      result.add({Severity::error, fmt::format("a secret of the rule {} was not stopped", rule),
                  path_only ? "a rule of paths alone" : "", "report a bug, or mend the rule",
                  file});
    }
  for (const Rule& rule : rules->rules)
    if (seen.count(rule.id) == 0 && !rule.skip_report)
      result.add({Severity::warning, fmt::format("no sample of the rule {}", rule.id), "",
                  "only rules of fusebox's own have samples", rule.place});
  result.metric("rules", static_cast<std::int64_t>(seen.size()), "");
}

std::string token(std::uint64_t seed) {
  for (const samples::Sample& sample : samples::all(seed))
    if (sample.rule == "langfuse-secret-key" && sample.expect == Expect::found) return sample.text;
  return {};
}

// The repository's own hook, in a repository of its own: a commit with a secret must not come to
// be, one with references must.
void test_hook(const Repository& repository, std::uint64_t seed, Result& result) {
  const Hook state = hook_state(repository);
  if (state == Hook::framework) {
    result.add({Severity::info, "the hook is the pre-commit framework's, and is not tried", "",
                "pre-commit run fusebox-scan", hook_path(repository).string()});
    return;
  }
  if (state != Hook::ours) {
    result.add({Severity::error, "no hook looks at commits", "", "fusebox security init",
                hook_path(repository).string()});
    return;
  }
  const Sandbox sandbox(repository.starter());
  const fs::path copy = sandbox.hooks() / "pre-commit";
  fs::copy_file(hook_path(repository), copy);
  ::chmod(copy.c_str(), 0755);
  sandbox.write("app.env", token(seed));
  sandbox.stage(".");
  const Ended planted = sandbox.git({"commit", "-q", "-m", "planted"});
  if (planted.exit_code == 0)
    result.add({Severity::error, "a commit with a planted secret was made", "",
                "fusebox security init", hook_path(repository).string()});
  sandbox.write("app.env", samples::references());
  sandbox.stage(".");
  const Ended harmless = sandbox.git({"commit", "-q", "-m", "references"});
  if (harmless.exit_code != 0)
    result.add({Severity::error, "a commit that only has references was stopped",
                fbx::common::one_line(harmless.err), "run the hook by hand to see why",
                hook_path(repository).string()});
}

}  // namespace

Result security_test(fbx::Op& op, const Repository& repository, const SecurityRequest& request) {
  const auto given = fbx::common::integer_at(request.step.with, "seed").value_or(0);
  const std::uint64_t seed =
      given != 0 ? static_cast<std::uint64_t>(given) : std::random_device{}();
  op.log(fbx::Level::info, fmt::format("samples are made with --seed {}", seed));
  Result result;
  test_rules(op, repository.starter(), request, seed, result);
  test_hook(repository, seed, result);
  std::size_t failed = 0;
  for (const auto& finding : result.findings()) failed += finding.severity == Severity::error;
  return result.changed(false).summary(
      failed == 0 ? "every planted secret was stopped, every reference passed"
                  : fmt::format("{} ways past the gate", failed));
}

}  // namespace fusebox::scan
