// SPDX-License-Identifier: Apache-2.0
#include "support/langfuse/stores.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace stand_in {

namespace {

class Socket {
 public:
  Socket(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
      throw Failure(fmt::format("getaddrinfo ENOTFOUND {}", host));
    fd_ = ::socket(found->ai_family, SOCK_STREAM, 0);
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int rc = ::connect(fd_, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    if (rc != 0) {
      ::close(fd_);
      throw Failure(fmt::format("connect ECONNREFUSED {}:{}", host, port));
    }
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Sends, and reads until `enough` says so or the other side ends.
  template <class Enough>
  std::string exchange(const std::string& request, Enough enough) const {
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw Failure("write EPIPE");
    std::string answer;
    char buffer[4096];
    while (!enough(answer)) {
      const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got < 0) throw Failure("read ETIMEDOUT");
      if (got == 0) break;
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer;
  }

 private:
  int fd_ = -1;
};

}  // namespace

Postgres::Postgres(const Settings& settings)
    : connection_(::PQconnectdb(settings.database_url.c_str()), ::PQfinish) {
  if (::PQstatus(connection_.get()) != CONNECTION_OK)
    throw Failure("Error: P1001: Can't reach database server at `postgres:5432`");
}

std::string Postgres::query(const std::string& sql) {
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      ::PQexec(connection_.get(), sql.c_str()), ::PQclear);
  const auto status = ::PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw Failure(fmt::format("PostgreSQL: {}", ::PQerrorMessage(connection_.get())));
  return ::PQntuples(result.get()) == 0 ? "" : ::PQgetvalue(result.get(), 0, 0);
}

std::string clickhouse(const Settings& settings, const std::string& sql) {
  const Socket socket(settings.clickhouse_host, "8123");
  const auto answer = socket.exchange(
      fmt::format("POST / HTTP/1.0\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  settings.clickhouse_user, settings.clickhouse_password, sql.size(), sql),
      [](const std::string&) { return false; });
  const auto body_at = answer.find("\r\n\r\n");
  if (body_at == std::string::npos) throw Failure("ClickHouse did not answer");
  auto body = answer.substr(body_at + 4);
  if (answer.find(" 200 ") == std::string::npos) throw Failure("ClickHouse: " + body);
  if (body.ends_with('\n')) body.pop_back();
  return body;
}

void redis_ping(const Settings& settings) {
  const Socket socket(settings.redis_host, settings.redis_port);
  const auto ended = [](const std::string& answer) { return answer.ends_with("\r\n"); };
  if (!settings.redis_auth.empty()) {
    const auto answer =
        socket.exchange(fmt::format("*2\r\n$4\r\nAUTH\r\n${}\r\n{}\r\n", settings.redis_auth.size(),
                                    settings.redis_auth),
                        ended);
    if (!answer.starts_with("+OK")) throw Failure("Redis: " + answer);
  }
  const auto answer = socket.exchange("*1\r\n$4\r\nPING\r\n", ended);
  if (!answer.starts_with("+PONG")) throw Failure("Redis: " + answer);
}

}  // namespace stand_in
