// SPDX-License-Identifier: Apache-2.0
// Looks for secrets, with the findings of gitleaks 8.30.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/finding.hpp"
#include "engine/rules.hpp"

namespace fusebox::scan {

// A program that runs, and what it writes.
class Program {
 public:
  virtual ~Program() = default;
  virtual std::size_t read(std::span<char> room) = 0;  // 0 at the end
  struct End {
    int exit_code = 0;
    std::string err;  // what it wrote to stderr
  };
  virtual End wait() = 0;  // once read() has said so
};

// How the scanner runs git. Called from several threads.
using StartProgram = std::function<std::unique_ptr<Program>(std::vector<std::string> command,
                                                            std::string stdin_text)>;

// Whether one pass over a text first leaves out the rules that cannot match. No finding depends on
// it; always, and never, are for tests.
enum class PrefilterUse { never, when_it_pays, always };

struct Options {
  int max_decode_depth = 5;
  int max_archive_depth = 0;     // 0: what is named like an archive is not looked into
  int max_target_megabytes = 0;  // 0: no limit
  bool follow_symlinks = false;
  bool ignore_allow_comments = false;  // `gitleaks:allow`
  unsigned redact = 0;                 // percent of each secret
  unsigned threads = 0;                // 0: one per core
  std::filesystem::path config;        // as typed; this file is never scanned. Empty: none given
  std::filesystem::path ignore = ".";  // a .gitleaksignore, or its folder
  std::filesystem::path baseline;      // a JSON report of earlier findings; empty: none
  std::filesystem::path cache;         // of compiled rules; empty: none
  std::string platform;  // of the links; empty: by the remote's host; "none": no links
  PrefilterUse prefilter = PrefilterUse::when_it_pays;
  std::function<bool()> cancelled;                    // asked often, on any thread; empty: never
  std::function<void(std::uint64_t bytes)> progress;  // so many more; on any thread; may be empty
};

// What could not be scanned: the findings are then not all that there are.
struct Problem {
  std::string where;  // a path, or a command
  std::string what;
};

struct Report {
  std::vector<Finding> findings;  // sorted by file, line, column, rule and commit
  std::vector<Problem> problems;
  std::vector<std::string> skipped_archives;  // named like one, and deeper than max_archive_depth
  std::vector<std::string> warnings;
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::uint64_t commits = 0;
};

// May be used again and again, by one thread at a time.
class Scanner {
 public:
  Scanner(std::shared_ptr<const Rules> rules, Options options);
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  // A folder or one file. Findings name paths as `path` is typed. Throws std::system_error when
  // there is no such path.
  Report folder(const std::filesystem::path& path);
  // Everything that `fd` gives until its end.
  Report stream(int fd);
  // One text, as if it were the file `name`.
  Report text(std::string_view text, const std::string& name);

  // Of the repository at `repository`. A git that fails is a Problem.
  Report staged(const std::filesystem::path& repository, const StartProgram& start);
  Report unstaged(const std::filesystem::path& repository, const StartProgram& start);
  Report history(const std::filesystem::path& repository, const StartProgram& start);
  // What is reachable from HEAD, but not from `revision`.
  Report since(const std::filesystem::path& repository, const std::string& revision,
               const StartProgram& start);
  // The commits that `git log OPTIONS` shows.
  Report log(const std::filesystem::path& repository, const std::vector<std::string>& options,
             const StartProgram& start);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fusebox::scan
