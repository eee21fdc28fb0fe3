// SPDX-License-Identifier: Apache-2.0
#include "engine/scanner.hpp"

#include <exception>

#include "engine/compiled.hpp"
#include "engine/folder_scan.hpp"
#include "engine/git_scan.hpp"
#include "engine/known.hpp"
#include "engine/scan_state.hpp"

namespace fusebox::scan {

namespace fs = std::filesystem;

struct Scanner::State {
  State(std::shared_ptr<const Rules> rules, Options given)
      : compiled(std::move(rules)), options(std::move(given)) {}

  // `source` is as the user typed it; what is to be ignored is looked for there, too.
  template <class Work>
  Report run(const fs::path& source, const Work& work) {
    std::vector<std::string> warnings = compiled.source().warnings;
    const Known known = read_known(source, warnings);
    PrefilterSource prefilter(compiled, Cache(options.cache));
    if (options.prefilter == PrefilterUse::always) prefilter.make();
    const bool is_used = options.prefilter != PrefilterUse::never;
    Scan scan(compiled, options, known, is_used ? &prefilter : nullptr);
    DetectorOptions detector;
    detector.max_decode_depth = options.max_decode_depth;
    detector.max_target_megabytes = options.max_target_megabytes;
    detector.ignore_allow_comments = options.ignore_allow_comments;
    detector.redact = options.redact;
    detector.own_files = own_files(source);
    work(scan, detector);
    Report report = scan.take();
    report.warnings.insert(report.warnings.begin(), warnings.begin(), warnings.end());
    return report;
  }

  std::vector<std::string> own_files(const fs::path& source) const {
    std::vector<std::string> files = {options.config.empty()
                                          ? (source / ".gitleaks.toml").lexically_normal().string()
                                          : options.config.string()};
    if (!options.baseline.empty())
      files.push_back(
          fs::absolute(options.baseline).lexically_relative(fs::absolute(source)).string());
    return files;
  }

  Known read_known(const fs::path& source, std::vector<std::string>& warnings) const {
    Known known;
    std::error_code error;
    for (const fs::path& file :
         {options.ignore, options.ignore / ".gitleaksignore", source / ".gitleaksignore"})
      if (fs::is_regular_file(file, error)) known.add_ignored(file, warnings);
    if (!options.baseline.empty()) known.add_baseline(options.baseline);
    return known;
  }

  Compiled compiled;
  Options options;
};

Scanner::Scanner(std::shared_ptr<const Rules> rules, Options options)
    : state_(std::make_unique<State>(std::move(rules), std::move(options))) {}

Scanner::~Scanner() = default;

Report Scanner::folder(const fs::path& path) {
  return state_->run(
      path, [&](Scan& scan, const DetectorOptions& options) { scan_folder(scan, options, path); });
}

Report Scanner::stream(int fd) {
  return state_->run(
      "", [&](Scan& scan, const DetectorOptions& options) { scan_stream(scan, options, fd); });
}

Report Scanner::text(std::string_view text, const std::string& name) {
  return state_->run("", [&](Scan& scan, const DetectorOptions& options) {
    Worker worker(scan, options);
    Fragment like;
    like.path = name;
    for_each_chunk(
        [&](char* to, std::size_t room) {
          const std::size_t count = text.copy(to, room);
          text.remove_prefix(count);
          return count;
        },
        like, [&](const Fragment& fragment) { worker.take(fragment); });
  });
}

Report Scanner::staged(const fs::path& repository, const StartProgram& start) {
  return state_->run(repository, [&](Scan& scan, const DetectorOptions& options) {
    GitScan(scan, options, repository, start).diff({"--staged"});
  });
}

Report Scanner::unstaged(const fs::path& repository, const StartProgram& start) {
  return state_->run(repository, [&](Scan& scan, const DetectorOptions& options) {
    GitScan(scan, options, repository, start).diff({});
  });
}

Report Scanner::history(const fs::path& repository, const StartProgram& start) {
  return state_->run(repository, [&](Scan& scan, const DetectorOptions& options) {
    GitScan(scan, options, repository, start)
        .commits({"--all", "--full-history"}, {"--diff-filter=tuxdb"});
  });
}

Report Scanner::since(const fs::path& repository, const std::string& revision,
                      const StartProgram& start) {
  return state_->run(repository, [&](Scan& scan, const DetectorOptions& options) {
    GitScan(scan, options, repository, start)
        .commits({"--end-of-options", revision + "..HEAD", "--"}, {});
  });
}

Report Scanner::log(const fs::path& repository, const std::vector<std::string>& given,
                    const StartProgram& start) {
  return state_->run(repository, [&](Scan& scan, const DetectorOptions& options) {
    GitScan(scan, options, repository, start).log(given);
  });
}

}  // namespace fusebox::scan
