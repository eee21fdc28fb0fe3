// SPDX-License-Identifier: Apache-2.0
#include "clickhouse_rig.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "beside.hpp"

namespace fusebox::test {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kEnd = ";\n";

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  return text;
}

std::vector<std::string> statements_of(const std::string& script) {
  std::vector<std::string> statements;
  std::size_t at = 0;
  for (std::size_t end = 0; (end = script.find(kEnd, at)) != std::string::npos; at = end + 2)
    statements.push_back(script.substr(at, end - at));
  if (script.find_first_not_of(" \n", at) != std::string::npos)
    statements.push_back(script.substr(at));
  return statements;
}

// One statement over HTTP: a client takes longer to start than the server to answer.
struct Said {
  bool is_ok = false;
  std::string text;
};

Said say(const std::string& statement) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = ::htons(clickhouse().port());
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const std::string ask = fmt::format(
      "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nX-ClickHouse-User: default\r\nX-ClickHouse-Key: "
      "{}\r\nContent-Length: {}\r\n\r\n{}",
      clickhouse().password(), statement.size(), statement);
  REQUIRE(::send(fd, ask.data(), ask.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(ask.size()));
  const std::string answer = read_all(fd);
  ::close(fd);
  const std::size_t body = answer.find("\r\n\r\n");
  REQUIRE(body != std::string::npos);
  return {answer.compare(8, 5, " 200 ") == 0, answer.substr(body + 4)};
}

// A file for a program's stdin or stdout.
int open_file(const fs::path& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC, 0600);
}

fs::path client_config() {
  const fs::path path = clickhouse().folder() / "client.xml";
  std::ofstream(path) << fmt::format(
      R"(<config><host>127.0.0.1</host><port>{}</port><user>default</user>
<password from_env="CLICKHOUSE_PASSWORD"/></config>)",
      clickhouse().tcp_port());
  return path;
}

constexpr const char* kNotTheServers = "database NOT IN ('system', 'default')";

}  // namespace

ClickHouseServer& clickhouse() {
  static ClickHouseServer server;
  static const bool started = [] {
    server.start();
    return true;
  }();
  (void)started;
  return server;
}

ClickHouseRig::ClickHouseRig(const json::object& settings) {
  skip_program_if(ClickHouseServer::missing());
  ask(
      ask("SELECT concat('DROP DATABASE `', name, '`;') FROM system.databases WHERE name NOT IN "
          "('system', 'default')"));
  host_.secrets["CLICKHOUSE_PASSWORD"] = clickhouse().password();
  host_.exec = [this](std::string_view request, int in, int out, int err) {
    return exec(request, in, out, err);
  };
  json::object all{{"client", {"clickhouse-client", "--config-file=" + client_config().string()}},
                   {"password", {{"secret", "CLICKHOUSE_PASSWORD"}}}};
  for (const auto& [key, value] : settings) all[key] = value;
  plugin_ = std::make_unique<ConfiguredPlugin>(host_, SNAPSHOT_LIBRARY, all);
}

ClickHouseRig::~ClickHouseRig() = default;

std::string ClickHouseRig::ask(const std::string& script) const {
  std::string answer;
  for (const std::string& statement : statements_of(script)) {
    const Said said = say(statement);
    INFO(statement, ": ", said.text);
    REQUIRE(said.is_ok);
    answer += said.text;
  }
  return answer;
}

std::string ClickHouseRig::state() const {
  const std::string mine =
      fmt::format("{} AND substring(database, 1, 4) != 'fbx_'", kNotTheServers);
  std::string state = ask(fmt::format(
      "SELECT name FROM (SELECT name, name AS database FROM system.databases) WHERE {0} ORDER BY "
      "name;\n"
      "SELECT database, name, engine, create_table_query FROM system.tables WHERE {0} ORDER BY "
      "database, name",
      mine));
  return state + ask(ask(fmt::format(
                     "SELECT concat('SELECT \\'', database, '.', name, '\\', count(), "
                     "sum(cityHash64(*)) FROM `', database, '`.`', name, '`;') FROM system.tables "
                     "WHERE {} ORDER BY database, name FORMAT TSVRaw",
                     mine)));
}

std::string ClickHouseRig::tables() const {
  return ask(
      "SELECT name FROM system.databases ORDER BY name;\n"
      "SELECT database, name FROM system.tables WHERE database != 'system' ORDER BY database, "
      "name");
}

std::string ClickHouseRig::of_tags() const {
  return ask(
      "SELECT name FROM system.databases WHERE substring(name, 1, 4) = 'fbx_' ORDER BY name");
}

std::vector<std::string> ClickHouseRig::files_of_tags() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(clickhouse().data()))
    if (entry.path().filename().string().starts_with("fbx_")) found.push_back(entry.path());
  return found;
}

std::string ClickHouseRig::capture() {
  const fs::path file = folder_ / "capture";
  const int fd = open_file(file, O_RDWR | O_CREAT | O_TRUNC);
  auto& loaded = plugin_->loaded();
  const Answer answer = loaded.call([&](fbx_op* op, fbx_sink out) {
    return loaded.table<fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT)
        .capture(loaded.instance(), op, fbx::to_str(R"({"source":"snapshot-clickhouse"})"), fd,
                 out);
  });
  ::close(fd);
  INFO(answer.what);
  REQUIRE(answer.rc == FBX_OK);
  captured = json::parse(answer.text).as_object();
  return slurp(file);
}

namespace {

using FdSlot = fbx_rc (*fbx_snapshot_v1::*)(fbx_instance*, fbx_op*, fbx_str, std::int32_t,
                                            fbx_sink);
using Slot = fbx_rc (*fbx_snapshot_v1::*)(fbx_instance*, fbx_op*, fbx_str, fbx_sink);

Answer feed(LoadedPlugin& loaded, FdSlot slot, const json::object& request,
            const std::string& stream) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  std::thread feeder([&] {
    ::sigset_t pipe_signal;
    ::sigemptyset(&pipe_signal);
    ::sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    std::string_view rest = stream;
    while (!rest.empty()) {
      const ssize_t put = ::write(ends[1], rest.data(), rest.size());
      if (put <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
    ::close(ends[1]);
  });
  Answer answer = loaded.call([&](fbx_op* op, fbx_sink out) {
    return (loaded.table<fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT).*slot)(
        loaded.instance(), op, fbx::to_str(json::serialize(request)), ends[0], out);
  });
  ::close(ends[0]);
  feeder.join();
  return answer;
}

Answer call(LoadedPlugin& loaded, Slot slot, const json::object& request) {
  return loaded.call([&](fbx_op* op, fbx_sink out) {
    return (loaded.table<fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT).*slot)(
        loaded.instance(), op, fbx::to_str(json::serialize(request)), out);
  });
}

}  // namespace

Answer ClickHouseRig::inspect(const std::string& stream) {
  return feed(plugin_->loaded(), &fbx_snapshot_v1::inspect,
              {{"source", "snapshot-clickhouse"}, {"counts", captured.at("counts")}}, stream);
}

Answer ClickHouseRig::stage(const std::string& stream, const std::string& tag) {
  return feed(plugin_->loaded(), &fbx_snapshot_v1::stage,
              {{"source", "snapshot-clickhouse"},
               {"tag", tag},
               {"counts", captured.at("counts")},
               {"facts", captured.at("facts")}},
              stream);
}

Answer ClickHouseRig::turn(const std::string& to, const std::string& tag) {
  return call(plugin_->loaded(), &fbx_snapshot_v1::turn,
              {{"source", "snapshot-clickhouse"}, {"tag", tag}, {"to", to}});
}

Answer ClickHouseRig::count(bool digests) {
  json::object request{{"source", "snapshot-clickhouse"}, {"facts", captured.at("facts")}};
  if (digests) request["digests"] = true;
  return call(plugin_->loaded(), &fbx_snapshot_v1::count, request);
}

void ClickHouseRig::must_stage(const std::string& stream) {
  const Answer answer = stage(stream);
  INFO(answer.what);
  REQUIRE(answer.rc == FBX_OK);
  CHECK(json::parse(answer.text).at("counts") == captured.at("counts"));
}

void ClickHouseRig::must_turn(const std::string& to) {
  const Answer answer = turn(to);
  INFO(to, ": ", answer.what);
  REQUIRE(answer.rc == FBX_OK);
}

void ClickHouseRig::die_after(int effects) {
  left_ = effects;
  effects_ = 0;
  dead_ = false;
}

int ClickHouseRig::exec(std::string_view request, int in, int out, int err) {
  const auto may = [&] {
    dead_ = dead_ || (left_ >= 0 && effects_ >= left_);
    if (!dead_) ++effects_;
    return !dead_;
  };
  if (dead_) return 137;
  const bool is_client = request.find("--multiquery") != std::string_view::npos;
  if (!is_client || left_ < 0)
    return is_client || may() ? run_beside(request, in, out, err,
                                           {{"HOME", folder_.path().string()}}, host_.secrets)
                              : 137;
  for (const std::string& statement : statements_of(read_all(in))) {
    if (statement.starts_with("SET ")) continue;
    if (!statement.starts_with("SELECT") && !may()) return 137;
    const Said said = say(statement);
    const int fd = said.is_ok ? out : err;
    if (::write(fd, said.text.data(), said.text.size()) < 0 || !said.is_ok) return 1;
  }
  return 0;
}

}  // namespace fusebox::test
