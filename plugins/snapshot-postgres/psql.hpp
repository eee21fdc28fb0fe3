// SPDX-License-Identifier: Apache-2.0
// psql and its siblings beside the service: as whom they log in, and how names are written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/beside.hpp"
#include "common/json.hpp"

namespace fbx::snapshot {

// "a b" as SQL writes a name, and as it writes a text.
std::string identifier(std::string_view name);
std::string literal(std::string_view text);

// A line of psql's answer, cut at its tabs.
using Fields = std::vector<std::string>;
std::vector<Fields> fields_of(std::string_view text);

class Psql {
 public:
  explicit Psql(const common::Context& context);

  const std::string& service() const { return service_; }
  const std::string& database() const { return database_; }  // the one that is captured
  // One that is not, for statements that no session of the captured one may run.
  std::string administrative() const;

  // `command` beside the service, logged in to `database`.
  common::Program program(const std::string& database, std::vector<std::string> command) const;
  // A script, which stops at its first error; its rows are lines of fields with tabs between.
  common::Program script(const std::string& database, std::string text) const;

  // Runs a script. Throws Error{FBX_IO} with what psql said: "<doing> failed ...".
  std::vector<Fields> query(const Op& op, const std::string& database, std::string text,
                            std::string_view doing) const;

 private:
  std::string service_;
  std::string database_;
  common::json::object environment_;
};

}  // namespace fbx::snapshot
