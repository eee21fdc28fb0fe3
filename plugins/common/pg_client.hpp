// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL connection whose every wait ends by a deadline or a cancel.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/deadline.hpp"
#include "common/endpoint.hpp"

struct pg_conn;

namespace fbx::postgres {

struct Login {
  std::string user;
  std::string database;
  std::string sslmode;
  Secret password;
};

using Row = std::vector<std::optional<std::string>>;  // nothing: NULL

// A statement that the server refused: an SQLSTATE and its first line.
struct QueryError {
  std::string state;
  std::string text;
};

struct Answer {
  std::vector<Row> rows;
  std::optional<QueryError> error;
};

class Client {
 public:
  // Connects and logs in. Throws common::CheckFailed, with a cause and a remedy of its own for
  // each way in which that fails. `who` names the server in texts. Host names are resolved by
  // libpq, which blocks: an address or localhost does not.
  Client(const common::Endpoint& endpoint, const Login& login, const common::Deadline& deadline,
         std::string who);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Runs one statement. Throws common::CheckFailed when the connection breaks or the deadline
  // passes.
  Answer query(const char* sql);

 private:
  struct Close {
    void operator()(pg_conn* connection) const noexcept;
  };
  void finish_connecting(const Login& login);
  void wait(common::Wait what, std::string_view doing);
  void flush();
  void read_until_ready();
  [[noreturn]] void fail_broken();

  const common::Deadline& deadline_;
  std::string who_;
  std::unique_ptr<pg_conn, Close> connection_;
};

}  // namespace fbx::postgres
