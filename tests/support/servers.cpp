// SPDX-License-Identifier: Apache-2.0
#include "support/servers.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/failure.hpp"
#include "support/skip.hpp"
#include "util/subprocess.hpp"

namespace fusebox::test {

namespace fs = std::filesystem;

namespace {

std::string random_word(std::size_t length) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device source;
  std::uniform_int_distribution<std::size_t> pick(0, letters.size() - 1);
  std::string out;
  while (out.size() < length) out += letters[pick(source)];
  return out;
}

sockaddr_in local_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// A socket bound to a free port of 127.0.0.1, and that port. Below the ports that the system hands
// to clients, so that none of those takes one in between; and each process goes through them from a
// place of its own, never back.
std::pair<int, std::uint16_t> bound_socket() {
  constexpr unsigned first = 20000;
  constexpr unsigned count = 12000;
  static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 131};
  for (unsigned tried = 0; tried < count; ++tried) {
    const auto port = static_cast<std::uint16_t>(first + next++ % count);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = local_address(port);
    if (fd >= 0 && ::bind(fd, generic(address), sizeof address) == 0) return {fd, port};
    ::close(fd);
  }
  throw std::runtime_error("no port of 127.0.0.1 between 20000 and 32000 is free");
}

std::string read_from(const fs::path& file, std::uintmax_t offset) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// "postgres" in the newest of /usr/lib/postgresql/*/bin, else as PATH has it.
fs::path postgres_program(const std::string& name) {
  fs::path best;
  int newest = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version <= newest || !fs::exists(entry.path() / "bin" / name)) continue;
    newest = version;
    best = entry.path() / "bin" / name;
  }
  return best.empty() ? fs::path(name) : best;
}

std::optional<std::string> missing_program(const fs::path& program, const std::string& how) {
  if (util::find_program(program.string())) return std::nullopt;
  return fmt::format("{} is not installed ({})", program.string(), how);
}

fs::path minio_program() {
  if (util::find_program("minio")) return "minio";
  const char* home = std::getenv("HOME");
  const fs::path built = fs::path(home == nullptr ? "" : home) / ".cache/fusebox/bin/minio";
  return built;
}

}  // namespace

std::uint16_t free_port() {
  const auto [fd, port] = bound_socket();
  ::close(fd);
  return port;
}

SilentListener::SilentListener() {
  std::tie(fd_, port_) = bound_socket();
  if (::listen(fd_, 16) != 0) throw std::runtime_error("cannot listen");
}

SilentListener::~SilentListener() { ::close(fd_); }

void skip_program_if(const std::optional<std::string>& missing) {
  if (missing) skip_program(*missing);
}

// ---- Server -------------------------------------------------------------------------------------

Server::Server(std::string name, std::string system_user, std::string user)
    : port_(free_port()),
      name_(std::move(name)),
      system_user_(::geteuid() == 0 ? std::move(system_user) : std::string{}),
      user_(std::move(user)),
      password_(random_word(24)) {
  std::string pattern = (fs::temp_directory_path() / ("fusebox-" + name_ + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  folder_ = pattern;
  ::chmod(folder_.c_str(), 0755);
  fs::create_directory(data());
  ::chmod(data().c_str(), 0700);
  give_to_user(data());
}

Server::~Server() {
  stop();
  const char* keep = std::getenv("FUSEBOX_KEEP");
  if (test_failed() || keep != nullptr) {
    std::cerr << name_ << ": kept " << folder_.string() << '\n';
    return;
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

int Server::stop_signal() const { return SIGTERM; }

void Server::give_to_user(const fs::path& path) const {
  if (system_user_.empty()) return;
  const passwd* user = ::getpwnam(system_user_.c_str());
  if (user == nullptr) throw std::runtime_error("there is no user " + system_user_);
  if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("cannot give " + path.string() + " to " + system_user_);
}

fs::path Server::write_config(const std::string& name, std::string_view text) const {
  const fs::path file = folder_ / name;
  std::ofstream(file, std::ios::trunc);
  ::chmod(file.c_str(), 0600);
  std::ofstream(file, std::ios::app) << text;
  give_to_user(file);
  return file;
}

bool Server::log_contains(std::string_view text) const {
  return read_from(log(), log_start_).find(text) != std::string::npos;
}

bool Server::answers_200(std::uint16_t port, std::string_view path) const {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = local_address(port);
  const timeval patience{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string got(16, '\0');
  bool yes = false;
  if (::connect(fd, generic(address), sizeof address) == 0) {
    const std::string ask = fmt::format("GET {} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", path);
    if (::send(fd, ask.data(), ask.size(), MSG_NOSIGNAL) > 0 &&
        ::recv(fd, got.data(), got.size(), MSG_WAITALL) > 12)
      yes = got.compare(8, 5, " 200 ") == 0;
  }
  ::close(fd);
  return yes;
}

void Server::launch() {
  if (child_.running()) return;
  ChildSpec spec = command();
  spec.user = system_user_;
  spec.cwd = data();
  spec.log = log();
  std::error_code none;
  const auto size = fs::file_size(log(), none);
  log_start_ = none ? 0 : size;
  child_ = Child(spec);
}

void Server::start() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    launch();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (child_.running() && std::chrono::steady_clock::now() < end) {
      if (ready()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    const bool port_taken = log_contains("in use");
    stop();
    if (!port_taken) break;
    port_ = free_port();
  }
  const std::string text = read_from(log(), log_start_);
  throw std::runtime_error(
      fmt::format("{} did not start:\n{}", name_,
                  text.substr(text.size() - std::min<std::size_t>(text.size(), 2000))));
}

void Server::stop() { child_.stop(stop_signal()); }

// ---- PostgreSQL ---------------------------------------------------------------------------------

PostgresServer::PostgresServer() : Server("postgres", "postgres", "postgres") {
  const fs::path secret = write_config("initdb.password", password());
  ChildSpec spec;
  spec.command = {postgres_program("initdb").string(),
                  "-D",
                  data().string(),
                  "-U",
                  user(),
                  "--pwfile",
                  secret.string(),
                  "-A",
                  "scram-sha-256",
                  "-E",
                  "UTF8",
                  "--no-locale",
                  "--no-sync"};
  spec.user = system_user();
  spec.cwd = data();
  spec.log = log();
  const int code = Child(spec).wait();
  fs::remove(secret);
  if (code != 0)
    throw std::runtime_error(fmt::format("initdb failed ({}):\n{}", code, read_from(log(), 0)));
}

std::optional<std::string> PostgresServer::missing() {
  return missing_program(postgres_program("postgres"), "Debian package postgresql");
}

ChildSpec PostgresServer::command() {
  ChildSpec spec;
  spec.command = {postgres_program("postgres").string(),
                  "-D",
                  data().string(),
                  "-p",
                  std::to_string(port()),
                  "-c",
                  "listen_addresses=127.0.0.1",
                  "-c",
                  "unix_socket_directories=",
                  "-c",
                  "fsync=off",
                  "-c",
                  "timezone=UTC"};
  for (const std::string& setting : settings) {
    spec.command.emplace_back("-c");
    spec.command.push_back(setting);
  }
  return spec;
}

bool PostgresServer::ready() const { return log_contains("database system is ready to accept"); }

// Fast shutdown: does not wait for clients.
int PostgresServer::stop_signal() const { return SIGINT; }

// ---- Redis --------------------------------------------------------------------------------------

RedisServer::RedisServer() : Server("redis", "redis", "") {}

std::optional<std::string> RedisServer::missing() {
  return missing_program("redis-server", "Debian package redis-server");
}

ChildSpec RedisServer::command() {
  std::string text =
      fmt::format("port {}\nbind 127.0.0.1\ndir {}\nappendonly yes\nmaxmemory-policy noeviction\n",
                  port(), data().string());
  if (with_password) text += fmt::format("requirepass {}\n", password());
  for (const std::string& line : settings) text += line + "\n";
  ChildSpec spec;
  spec.command = {"redis-server", write_config("redis.conf", text).string()};
  return spec;
}

bool RedisServer::ready() const { return log_contains("Ready to accept connections"); }

// ---- ClickHouse ---------------------------------------------------------------------------------

ClickHouseServer::ClickHouseServer()
    : Server("clickhouse", "clickhouse", "default"),
      tcp_port_(free_port()),
      interserver_port_(free_port()) {}

std::optional<std::string> ClickHouseServer::missing() {
  return missing_program("clickhouse-server", "Debian package clickhouse-server");
}

ChildSpec ClickHouseServer::command() {
  for (const char* part : {"tmp", "files", "schemas"}) {
    fs::create_directories(data() / part);
    give_to_user(data() / part);
  }
  const fs::path users = write_config("users.xml", fmt::format(R"(<yandex>
<profiles><default>{}</default></profiles>
<users><default><password>{}</password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></default></users>
<quotas><default/></quotas>
</yandex>
)",
                                                               profile_xml, password()));
  const fs::path config =
      write_config("config.xml", fmt::format(R"(<yandex>
<logger><console>1</console><level>warning</level></logger>
<listen_host>127.0.0.1</listen_host><http_port>{}</http_port><tcp_port>{}</tcp_port>
<interserver_http_port>{}</interserver_http_port>
<path>{}/</path><tmp_path>{}/tmp/</tmp_path><user_files_path>{}/files/</user_files_path>
<format_schema_path>{}/schemas/</format_schema_path><users_config>{}</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size><timezone>{}</timezone>{}
</yandex>
)",
                                             port(), tcp_port_, interserver_port_, data().string(),
                                             data().string(), data().string(), data().string(),
                                             users.string(), timezone, config_xml));
  ChildSpec spec;
  spec.command = {"clickhouse-server", "--config-file=" + config.string()};
  return spec;
}

bool ClickHouseServer::ready() const { return answers_200(port(), "/ping"); }

// ---- MinIO --------------------------------------------------------------------------------------

// Stays the user of the test: the program is often in a home folder that others cannot enter.
MinioServer::MinioServer() : Server("minio", "", "probe-root") {}

std::optional<std::string> MinioServer::missing() {
  return missing_program(minio_program(), "go install github.com/minio/minio@latest");
}

ChildSpec MinioServer::command() {
  ChildSpec spec;
  spec.command = {minio_program().string(),
                  "server",
                  "--quiet",
                  "--address",
                  fmt::format("127.0.0.1:{}", port()),
                  data().string()};
  spec.environment = {
      {"MINIO_ROOT_USER", user()}, {"MINIO_ROOT_PASSWORD", password()}, {"MINIO_BROWSER", "off"}};
  return spec;
}

bool MinioServer::ready() const { return answers_200(port(), "/minio/health/ready"); }

}  // namespace fusebox::test
