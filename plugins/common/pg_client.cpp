// SPDX-License-Identifier: Apache-2.0
#include "common/pg_client.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include "common/probe.hpp"

namespace fbx::postgres {

namespace {

using common::CheckFailed;
using common::Retry;

struct Clear {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using OwnedResult = std::unique_ptr<PGresult, Clear>;

// libpq tells a refused login only as text. In verbose form the text holds the SQLSTATE, which no
// server locale translates: "... failed: FATAL:  28P01: password authentication failed ...".
QueryError parse_login_error(std::string_view message) {
  constexpr std::size_t state_size = 5;
  const auto severity_end = message.find(":  ");
  if (severity_end != std::string_view::npos) {
    const std::string_view rest = message.substr(severity_end + 3);
    if (rest.substr(0, rest.find(": ")).size() == state_size) {
      const std::string_view text = rest.substr(state_size + 2);
      return {std::string(rest.substr(0, state_size)),
              std::string(text.substr(0, text.find('\n')))};
    }
  }
  // Without a server's answer: "connection to server at "127.0.0.1", port 1 failed: Connection
  // refused\n\tIs the server running ...".
  std::string_view line = message.substr(0, message.find('\n'));
  constexpr std::string_view failed = " failed: ";
  const auto at = line.find(failed);
  if (at != std::string_view::npos) line.remove_prefix(at + failed.size());
  return {{}, std::string(line)};
}

[[noreturn]] void fail_login(const std::string& who, const Login& login, const QueryError& error,
                             bool needs_password) {
  const std::string& state = error.state;
  if (state == "57P03") throw common::still_starting(who, error.text);
  if (needs_password && login.password.empty())
    throw CheckFailed(Retry::no, fmt::format("{} wants a password", who), error.text,
                      "set the probe's password to the secret that the server was set up with");
  if (state == "28P01")
    throw CheckFailed(Retry::no, fmt::format("{} refused the password of {}", who, login.user),
                      error.text,
                      "the secret and the role's password differ: set the secret back, or "
                      "`ALTER ROLE ... PASSWORD` in the database");
  if (state == "28000")
    throw CheckFailed(Retry::no, fmt::format("{} does not let {} in", who, login.user), error.text,
                      "check that the role exists and that pg_hba.conf admits it from here");
  if (state == "3D000")
    throw CheckFailed(Retry::no, fmt::format("{} has no database {}", who, login.database),
                      error.text, "create it, or set the probe's database to the one that exists");
  if (state == "53300")
    throw CheckFailed(Retry::yes, fmt::format("{} has no connection left", who), error.text,
                      "raise max_connections, or find out who holds them: pg_stat_activity");
  if (!state.empty())
    throw CheckFailed(Retry::yes, fmt::format("{} refused the login", who),
                      fmt::format("{} (SQLSTATE {})", error.text, state),
                      "see the server's log (`fusebox logs`)");
  throw common::cannot_connect(who, error.text);
}

}  // namespace

void Client::Close::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

Client::Client(const common::Endpoint& endpoint, const Login& login,
               const common::Deadline& deadline, std::string who)
    : deadline_(deadline), who_(std::move(who)) {
  const std::string port = std::to_string(endpoint.port);
  // The file must not exist: libpq would look for a password of its own in it.
  const char* const keys[] = {"host",     "port",    "user",       "dbname",           "password",
                              "passfile", "sslmode", "gssencmode", "application_name", nullptr};
  const char* const values[] = {endpoint.host.c_str(),
                                port.c_str(),
                                login.user.c_str(),
                                login.database.c_str(),
                                login.password.c_str(),
                                "/nonexistent",
                                login.sslmode.c_str(),
                                "disable",
                                "fusebox",
                                nullptr};
  connection_.reset(PQconnectStartParams(keys, values, 0));
  if (!connection_) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  finish_connecting(login);
}

Client::~Client() = default;

void Client::wait(common::Wait what, std::string_view doing) {
  if (deadline_.wait(PQsocket(connection_.get()), what) == common::Ready::timed_out)
    throw common::timed_out(who_, deadline_, std::string(doing));
}

void Client::finish_connecting(const Login& login) {
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  if (PQstatus(connection_.get()) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED)
      fail_login(who_, login, parse_login_error(PQerrorMessage(connection_.get())),
                 PQconnectionNeedsPassword(connection_.get()) != 0);
    wait(next == PGRES_POLLING_READING ? common::Wait::read : common::Wait::write,
         "while logging in");
    next = PQconnectPoll(connection_.get());
  }
  if (PQsetnonblocking(connection_.get(), 1) != 0) fail_broken();
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
}

void Client::fail_broken() {
  throw CheckFailed(Retry::yes, fmt::format("{} broke the connection", who_),
                    parse_login_error(PQerrorMessage(connection_.get())).text,
                    "see the server's log (`fusebox logs`)");
}

void Client::flush() {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) return;
    if (left < 0) fail_broken();
    wait(common::Wait::write, "while sending a query");
  }
}

void Client::read_until_ready() {
  while (PQisBusy(connection_.get()) != 0) {
    wait(common::Wait::read, "while waiting for the answer to a query");
    if (PQconsumeInput(connection_.get()) == 0) fail_broken();
  }
}

Answer Client::query(const char* sql) {
  if (PQsendQuery(connection_.get(), sql) == 0) fail_broken();
  flush();
  Answer answer;
  for (;;) {
    read_until_ready();
    const OwnedResult result(PQgetResult(connection_.get()));
    if (!result) return answer;
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      if (PQstatus(connection_.get()) == CONNECTION_BAD) fail_broken();
      const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
      const char* text = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
      answer.error = QueryError{state == nullptr ? "" : state, text == nullptr ? "" : text};
      continue;
    }
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      Row cells;
      for (int column = 0; column < PQnfields(result.get()); ++column)
        cells.push_back(PQgetisnull(result.get(), row, column) != 0
                            ? std::nullopt
                            : std::optional<std::string>(PQgetvalue(result.get(), row, column)));
      answer.rows.push_back(std::move(cells));
    }
  }
}

}  // namespace fbx::postgres
