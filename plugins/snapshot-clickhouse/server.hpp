// SPDX-License-Identifier: Apache-2.0
// The ClickHouse server of the stack, through programs that run beside it.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/beside.hpp"
#include "table.hpp"

namespace fbx::snapshot {

// Databases whose names begin with it are this plugin's own: none is captured.
inline constexpr std::string_view kOwnPrefix = "fbx_";

struct Contents {
  std::map<std::string, std::string> databases;  // with engine
  std::vector<Table> tables;                     // by database and name
};

class Server {
 public:
  // `config` is the instance's. For one call.
  Server(const Op& op, const boost::json::object& config);

  const Op& op() const { return op_; }
  const std::string& service() const { return service_; }

  // Each throws Error{FBX_IO} with the server's reason.
  std::string query(const std::string& sql) const;
  // Statements that define data, in order. They wait until what they drop is gone, of any size.
  void execute(const std::vector<std::string>& statements) const;

  // A program beside the service, which must succeed; `doing` is for the error. Its output.
  std::string run(std::vector<std::string> command, const std::string& doing,
                  std::string stdin_text = {}) const;
  common::Program beside(std::vector<std::string> command) const;

  // Which databases are the stack's, as a condition and asked of one.
  std::string wanted() const;
  bool wants(std::string_view database) const;

  // Databases that meet a condition, and what is in them.
  Contents contents(const std::string& condition) const;

 private:
  struct Features {
    std::string path = "data_path";    // the column of system.tables
    std::string uuid = "''";           // likewise
    std::vector<std::string> preface;  // of statements that define data
  };
  const Features& features() const;

  const Op& op_;
  const boost::json::object& config_;
  std::string service_;
  std::vector<std::string> listed_;  // the databases of the config
  mutable std::optional<Features> features_;
};

// The lines of a text that hold something.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace fbx::snapshot
