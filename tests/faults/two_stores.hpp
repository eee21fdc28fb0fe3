// SPDX-License-Identifier: Apache-2.0
// PostgreSQL and Redis with data, their backups and the phase that restores them.
#pragma once

#include "faults/two_servers.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fusebox::test {

class TwoStores : public TwoServers {
 public:
  // Deployed and loaded.
  TwoStores();

  // Runs fusebox and requires success; what it printed.
  std::string must(const std::vector<std::string>& args) const;
  std::string sql(const std::string& text) const;
  std::string redis(std::vector<std::string> words) const;
  // Redis waits some seconds for a second replica, which never comes. Forgotten when it restarts.
  void capture_at_once() const;

  // Equal for equal data.
  std::string data() const;
  // Changes something in both, always to the same.
  void use_on() const;
  // Nothing that a restore creates beside the live data is left.
  void check_tidy() const;

  std::filesystem::path backups() const { return box_.path() / "backups/small"; }
  // Names, as `backup list` has them: the newest first.
  std::vector<std::string> generations() const;
};

}  // namespace fusebox::test
