// SPDX-License-Identifier: Apache-2.0
// The demo with data in all its stores.
#pragma once

#include "e2e/stacks.hpp"

#include <boost/json/array.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fusebox::test {

// Ends the program as skipped, and says why, where one of the four servers is missing.
void skip_unless_complete();

class LoadedDemo : public DemoStack {
 public:
  // `edit` changes the demo's configuration before anything is deployed.
  explicit LoadedDemo(const std::function<std::string(std::string)>& edit = {});

  // Runs fusebox and requires success; what it printed.
  std::string must(const std::vector<std::string>& args, const std::string& stdin_text = {}) const;
  std::string sql(const std::string& text, const std::string& database = "postgres") const;
  std::string clickhouse(const std::string& text) const;
  // The MinIO client; its alias is `demo`.
  std::string mc(const std::vector<std::string>& args, const std::string& stdin_text = {}) const;

  // Rows, hashes of rows, keys, objects and their content: equal for equal data.
  std::string data() const;
  // Changes something in each store: rows gone, changed and new, a table made, keys and objects.
  void use_on() const;
  // Drops and deletes everything that was loaded.
  void destroy() const;

  // Nothing that a restore creates beside the live data is left.
  void check_tidy() const;

  std::filesystem::path backups() const;
  boost::json::array generations() const;
  std::string newest() const;

  // Runs fusebox in a process group of its own.
  pid_t spawn(const std::vector<std::string>& args) const;
  // What the last of these printed.
  std::string spawned() const;

 private:
  std::string alias_;
};

}  // namespace fusebox::test
