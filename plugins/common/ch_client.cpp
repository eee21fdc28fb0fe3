// SPDX-License-Identifier: Apache-2.0
#include "common/ch_client.hpp"

#include <fmt/format.h>

#include <charconv>

namespace fbx::clickhouse {

namespace {

using common::CheckFailed;
using common::Retry;

// Codes of the server's ErrorCodes.cpp. Up to 20.x a wrong user or password had codes of their own.
constexpr int unknown_user = 192;
constexpr int wrong_password = 193;
constexpr int password_required = 194;
constexpr int address_not_allowed = 195;
constexpr int access_denied = 497;
constexpr int authentication_failed = 516;

int code_of(const common::HttpResponse& response) {
  std::string_view text = response.body;
  const std::string header = response.header("x-clickhouse-exception-code");
  if (!header.empty())
    text = header;
  else if (text.starts_with("Code: "))
    text.remove_prefix(6);
  int code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

// One field of TabSeparated, with its escapes taken out.
std::string unescaped(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      out += field[i];
      continue;
    }
    const char escape = field[++i];
    out += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape;
  }
  return out;
}

std::vector<Row> parse_rows(std::string_view text) {
  std::vector<Row> rows;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    Row& row = rows.emplace_back();
    for (;;) {
      const auto tab = line.find('\t');
      row.push_back(unescaped(line.substr(0, tab)));
      if (tab == std::string_view::npos) break;
      line.remove_prefix(tab + 1);
    }
  }
  return rows;
}

std::string quoted(std::string_view text, char mark) {
  std::string out(1, mark);
  for (const char c : text) {
    if (c == mark || c == '\\') out += '\\';
    out += c;
  }
  return out + mark;
}

}  // namespace

Client::Client(std::string base_url, std::string user, Secret password,
               const common::Deadline& deadline, std::string who)
    : base_url_(std::move(base_url)),
      user_(std::move(user)),
      password_(std::move(password)),
      deadline_(deadline),
      who_(std::move(who)) {}

Answer Client::query(std::string_view sql) {
  common::HttpRequest request;
  request.url =
      fmt::format("{}/?query={}", base_url_, common::url_encode(fmt::format("{} FORMAT TSV", sql)));
  const auto header = [&](const char* name, std::string_view value) {
    Secret copy;
    copy.append(value);
    request.headers.push_back({name, std::move(copy)});
  };
  header("X-ClickHouse-User", user_);
  if (!password_.empty()) header("X-ClickHouse-Key", password_.view());
  common::HttpResponse response = common::ask_http(request, deadline_, who_);
  Answer answer;
  answer.ms = response.ms;
  if (response.status == 200 && !response.headers.contains("x-clickhouse-exception-code"))
    answer.rows = parse_rows(response.body);
  else
    answer.error = QueryError{code_of(response), std::move(response)};
  return answer;
}

Answer Client::must(std::string_view sql) {
  Answer answer = query(sql);
  if (answer.error) fail(*answer.error);
  return answer;
}

void Client::fail(const QueryError& error) const {
  const std::string evidence = common::http_evidence(error.response);
  const long status = error.response.status;
  switch (error.code) {
    case password_required:
      throw CheckFailed(Retry::no, fmt::format("{} wants a password", who_), evidence,
                        "set the probe's password to the secret that the server was set up with");
    case unknown_user:
    case wrong_password:
    case authentication_failed:
      throw CheckFailed(Retry::no, fmt::format("{} refused the login of {}", who_, user_), evidence,
                        "the secret and the user's password in users.xml or users.d differ: set "
                        "them to the same");
    case address_not_allowed:
      throw CheckFailed(Retry::no, fmt::format("{} does not let {} in from here", who_, user_),
                        evidence, "add this machine's address to the user's <networks>");
    case access_denied:
      throw CheckFailed(Retry::no, fmt::format("{} denies {} a query", who_, user_), evidence,
                        "GRANT SELECT ON system.* to the user");
    default:
      break;
  }
  if (error.code == 0 && status >= 500)
    throw CheckFailed(Retry::yes, fmt::format("{} is not ready", who_), evidence,
                      "see the server's log (`fusebox logs`)");
  if (error.code == 0)
    throw CheckFailed(Retry::no, fmt::format("{} does not answer like ClickHouse", who_), evidence,
                      "check that port is the HTTP port (8123) of a ClickHouse server");
  throw CheckFailed(Retry::yes, fmt::format("{} refused a query", who_), evidence,
                    "see the server's log (`fusebox logs`)");
}

std::string literal(std::string_view text) { return quoted(text, '\''); }
std::string identifier(std::string_view text) { return quoted(text, '`'); }

}  // namespace fbx::clickhouse
