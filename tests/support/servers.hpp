// SPDX-License-Identifier: Apache-2.0
// Real servers for tests: each on free ports of 127.0.0.1, in a folder of its own, as the user it
// wants. Stopped, and its folder removed, at its end; after a failed test, and with
// FUSEBOX_KEEP=1, the folder stays and is named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/child.hpp"

namespace fusebox::test {

// A TCP port of 127.0.0.1 that was free a moment ago.
std::uint16_t free_port();

// Accepts connections and says nothing: a server that hangs. The kernel does the accepting.
class SilentListener {
 public:
  SilentListener();
  ~SilentListener();
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

class Server {
 public:
  virtual ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path data() const { return folder_ / "data"; }
  std::filesystem::path log() const { return folder_ / "server.log"; }
  pid_t pid() const { return child_.pid(); }

  // Starts it and waits until it answers; throws std::runtime_error with the end of its log.
  void start();
  // The same without waiting.
  void launch();
  void stop();

 protected:
  Server(std::string name, std::string system_user, std::string user);
  virtual ChildSpec command() = 0;  // writes what config files it needs
  virtual bool ready() const = 0;
  virtual int stop_signal() const;

  const std::string& system_user() const { return system_user_; }
  // Writes a file of mode 0600 that belongs to the system user.
  std::filesystem::path write_config(const std::string& name, std::string_view text) const;
  void give_to_user(const std::filesystem::path& path) const;
  bool log_contains(std::string_view text) const;  // since the last launch
  bool answers_200(std::uint16_t port, std::string_view path) const;
  std::uint16_t port_;

 private:
  std::string name_;
  std::string system_user_;
  std::string user_;
  std::string password_;
  std::filesystem::path folder_;
  std::uintmax_t log_start_ = 0;
  Child child_;
};

class PostgresServer : public Server {
 public:
  PostgresServer();  // runs initdb
  static std::optional<std::string> missing();
  // Settings for the next start: {"timezone=Europe/Berlin"}. UTC when not given.
  std::vector<std::string> settings;

 protected:
  ChildSpec command() override;
  bool ready() const override;
  int stop_signal() const override;
};

class RedisServer : public Server {
 public:
  RedisServer();
  static std::optional<std::string> missing();
  // Lines of redis.conf for the next start. A later line wins.
  std::vector<std::string> settings;
  bool with_password = true;

 protected:
  ChildSpec command() override;
  bool ready() const override;
};

class ClickHouseServer : public Server {
 public:
  ClickHouseServer();
  static std::optional<std::string> missing();
  std::uint16_t tcp_port() const { return tcp_port_; }
  std::string timezone = "UTC";
  std::string config_xml;   // added to the config's root
  std::string profile_xml;  // added to the default profile

 protected:
  ChildSpec command() override;
  bool ready() const override;

 private:
  std::uint16_t tcp_port_;
  std::uint16_t interserver_port_;
};

class MinioServer : public Server {
 public:
  MinioServer();
  static std::optional<std::string> missing();

 protected:
  ChildSpec command() override;
  bool ready() const override;
};

// Ends the program as skipped (77) when `missing` says why.
void skip_program_if(const std::optional<std::string>& missing);

}  // namespace fusebox::test
