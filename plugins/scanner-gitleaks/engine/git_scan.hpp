// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/scan_state.hpp"

namespace fusebox::scan {

class GitScan {
 public:
  GitScan(Scan& scan, DetectorOptions options, const std::filesystem::path& repository,
          const StartProgram& start);

  // What `git diff OPTIONS` shows of the repository's folder.
  void diff(const std::vector<std::string>& options);
  // What `git log -p` shows of the commits that `git rev-list REVISIONS` lists, by as many git as
  // there are cores.
  void commits(const std::vector<std::string>& revisions, const std::vector<std::string>& options);
  // What one `git log -p OPTIONS` shows.
  void log(const std::vector<std::string>& options);

 private:
  std::vector<std::string> command(const std::vector<std::string>& words) const;
  // Everything that it writes, up to `limit` bytes.
  std::string output(const std::vector<std::string>& words, bool may_fail);
  void read_patch(const std::vector<std::string>& words, std::string stdin_text);
  void scan_blob(Worker& worker, const std::string& file,
                 const std::shared_ptr<const CommitInfo>& commit);
  bool judge(const std::vector<std::string>& words, const Program::End& end);
  void find_remote();

  Scan& scan_;
  DetectorOptions options_;
  std::string repository_;
  const StartProgram& start_;
};

}  // namespace fusebox::scan
