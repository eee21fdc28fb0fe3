// SPDX-License-Identifier: Apache-2.0
// ClickHouse over HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_probe.hpp"

namespace fbx::clickhouse {

using Row = std::vector<std::string>;

// What the server says of a query that it refuses: its code, 0 when it names none.
struct QueryError {
  int code = 0;
  common::HttpResponse response;
};

struct Answer {
  std::vector<Row> rows;
  std::optional<QueryError> error;
  double ms = 0;
};

class Client {
 public:
  // `base_url` without a path. The login goes in headers, never in a URL.
  Client(std::string base_url, std::string user, Secret password, const common::Deadline& deadline,
         std::string who);

  // Runs one SELECT; the server treats it as read-only. Throws common::CheckFailed when no answer
  // comes.
  Answer query(std::string_view sql);

  // The same for one that must work: throws common::CheckFailed when it is refused, too.
  Answer must(std::string_view sql);

 private:
  [[noreturn]] void fail(const QueryError& error) const;

  std::string base_url_;
  std::string user_;
  Secret password_;
  const common::Deadline& deadline_;
  std::string who_;
};

// 'it\'s'
std::string literal(std::string_view text);
// `it\`s`
std::string identifier(std::string_view text);

}  // namespace fbx::clickhouse
