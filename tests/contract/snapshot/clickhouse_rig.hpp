// SPDX-License-Identifier: Apache-2.0
// snapshot-clickhouse as the library it is, beside a real server, and a stop to its work after any
// statement.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/servers.hpp"
#include "support/temp_dir.hpp"

namespace fusebox::test {

// One server for the program, with a password; each rig begins without the databases of another.
ClickHouseServer& clickhouse();

class ClickHouseRig {
 public:
  // Ends the program as skipped where there is no server.
  explicit ClickHouseRig(const boost::json::object& settings = {});
  ~ClickHouseRig();
  ClickHouseRig(const ClickHouseRig&) = delete;
  ClickHouseRig& operator=(const ClickHouseRig&) = delete;

  // What statements print, each ended by ";" and a new line; fails the test when one is refused.
  std::string ask(const std::string& script) const;
  // Everything that a restore must bring back or leave alone: tables with their statements, views,
  // rows and their content, of all databases but the server's own.
  std::string state() const;
  // The names of all databases and tables.
  std::string tables() const;
  // The databases of tags.
  std::string of_tags() const;
  // What a tag has left on the server's disk.
  std::vector<std::string> files_of_tags() const;

  // The whole stream of a capture; its answer is kept for the calls below.
  std::string capture();
  boost::json::object captured;

  Answer inspect(const std::string& stream);
  Answer stage(const std::string& stream, const std::string& tag = "1t");
  Answer turn(const std::string& to, const std::string& tag = "1t");
  Answer count(bool digests = false);
  void must_stage(const std::string& stream);
  void must_turn(const std::string& to);

  // From now on the plugin's work ends after so many effects on the server, as if it were killed:
  // statements that change something, and programs other than the client. Statements then go to the
  // server over HTTP. -1: never, and through the client.
  void die_after(int effects);
  static constexpr int kNever = 1'000'000;  // over HTTP
  bool is_dead() const { return dead_; }

 private:
  int exec(std::string_view request, int in, int out, int err);

  FakeHost host_;
  TempDir folder_;
  std::unique_ptr<ConfiguredPlugin> plugin_;
  int left_ = -1;
  int effects_ = 0;
  bool dead_ = false;
};

}  // namespace fusebox::test
