// SPDX-License-Identifier: Apache-2.0
// This instance's configuration, read from the canonical JSON that the host gives.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace runtime_process {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

struct Port {
  std::string name;
  std::string host = "127.0.0.1";
  int number = 0;
  int target = 0;      // the number that clients know it by, e.g. 5432; 0: the same
  std::string scheme;  // "http": endpoint() then knows a URL
};

// How to tell that a service is ready. One of tcp, http and command, or none.
struct Ready {
  std::string tcp;   // a port's name
  std::string http;  // an address
  int status = 200;
  std::vector<std::string> command;  // exit code 0
  milliseconds timeout{30'000};
  milliseconds interval{100};
  bool none() const { return tcp.empty() && http.empty() && command.empty(); }
};

// What fills a new data folder, once.
struct Init {
  std::string creates;  // a file in the data folder that proves that it ran
  std::vector<std::string> command;
  std::optional<std::string> stdin_text;
  milliseconds timeout{120'000};
};

struct Service {
  std::string name;
  bool enabled = true;
  bool optional = false;  // left out with a warning when its program is not installed
  std::string user;       // to drop to when root
  std::vector<Port> ports;
  std::string main_port;
  std::optional<Init> init;
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::optional<std::string> stdin_text;
  std::map<std::string, fs::path> files;  // name in ${run} -> template
  std::vector<std::string> depends_on;
  Ready ready;
  std::string stop_signal = "TERM";
  milliseconds stop_grace{20'000};
  std::uint64_t log_max_size = 10u << 20;
  int log_files = 3;
};

struct Settings {
  std::string stack;
  std::string scratch;  // not empty: a stack beside the live one, see scratch.hpp
  std::string instance;
  fs::path config_dir;
  fs::path state_dir;
  fs::path data_dir;
  std::vector<std::string> path;  // globs, searched before PATH
  std::uint64_t min_free = 0;     // bytes
  std::vector<Service> services;  // the enabled ones, each after what it depends on
  std::set<int> live_ports;       // of a scratch stack: those that the config gives

  // Throws fbx::Error{not_found}, naming the known ones.
  const Service& service(std::string_view name) const;

  fs::path volume(std::string_view service) const { return data_dir / service; }
  fs::path run_dir(std::string_view service) const { return data_dir / ".run" / service; }
  fs::path log_file(std::string_view service) const;
};

// Reads the context of fbx_plugin.create. Throws fbx::Error{config} for what the manifest's schema
// cannot tell: circles, unknown names, signals.
Settings read_settings(std::string_view context_json);

// The main port: the one named by main_port, else the one named like the service, else the first.
// Null when the service has none.
const Port* main_port(const Service& service);

// "INT" or "SIGINT" -> SIGINT; throws fbx::Error{config}.
int signal_number(std::string_view name);

}  // namespace runtime_process
