// SPDX-License-Identifier: Apache-2.0
// A service made ready to run on this machine: the program found, the user looked up, every
// reference expanded except those to secrets. It is kept on record beside the running service, so
// that stopping, running commands beside it and putting it back do not depend on today's config.
#pragma once

#include <sys/types.h>

#include <boost/json/fwd.hpp>

#include "settings.hpp"

namespace runtime_process {

// Who a program runs as.
struct Account {
  std::string name;  // empty: as we are
  uid_t uid = 0;
  gid_t gid = 0;
  bool drop = false;  // are we root, so that we become it?
};

// Throws fbx::Error{config} when there is no such user.
Account find_account(const std::string& user);

struct Definition {
  std::string service;
  std::vector<std::string> command;                // [0]: the program's absolute path
  std::map<std::string, std::string> environment;  // all of it; may refer to secrets
  std::optional<std::string> stdin_text;           // may refer to secrets
  std::map<std::string, std::string> files;        // name in run_dir -> text
  fs::path data;
  fs::path run_dir;
  Account account;
  std::vector<Port> ports;
  Ready ready;
  std::string stop_signal;
  milliseconds stop_grace{0};
  fs::path log_file;
  std::uint64_t log_max_size = 0;
  int log_files = 0;

  // Changes when the service would have to be started anew to be as defined.
  std::string hash() const;
};

// Throws fbx::Error: not_found (a program; rc() tells it from the others), config.
Definition resolve(const Settings& settings, const Service& service);

// The one-time init of a service, to run in `data`; it has the service's environment and user.
Definition resolve_init(const Settings& settings, const Service& service, const fs::path& data);

// Where `program` is: in the globs of `path`, then in PATH. Throws fbx::Error{not_found}.
fs::path find_program(const std::string& program, const std::vector<std::string>& path,
                      const fs::path& config_dir);

boost::json::object to_json(const Definition& definition);
Definition definition_from_json(const boost::json::object& json);

}  // namespace runtime_process
