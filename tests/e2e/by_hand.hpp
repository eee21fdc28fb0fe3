// SPDX-License-Identifier: Apache-2.0
// docs/RESTORE-BY-HAND.md, followed to the letter: its commands for plain servers, on servers that
// hold nothing.
#pragma once

#include "e2e/harness.hpp"
#include "support/servers.hpp"

#include <set>

namespace fusebox::test {

// What stands in the blocks of a document whose fence names `mark` ("```sh plain compose"), one
// after another.
std::string commands_of(std::string_view document, std::string_view mark);
// Names that a block of commands exports.
std::set<std::string> exported(const std::string& commands);

class ByHand {
 public:
  ByHand();
  // Restores the generation in `folder`, and starts what was not running.
  Ended follow(const Sandbox& box, const std::filesystem::path& folder);

  // What the restored servers answer, without the last newline.
  std::string sql(const std::string& text) const;
  std::string clickhouse(const std::string& text) const;
  std::string redis(const std::string& words) const;
  std::string object(const std::string& name) const;

 private:
  // A program with the logins in its environment.
  Ended run(const std::vector<std::string>& command) const;
  const Sandbox* box_ = nullptr;
  PostgresServer postgres_;
  ClickHouseServer clickhouse_;
  RedisServer redis_;
  MinioServer minio_;
  std::map<std::string, std::string> environment_;
};

}  // namespace fusebox::test
