// SPDX-License-Identifier: Apache-2.0
#include "definition.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>
#include <pwd.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fusebox/plugin.hpp>

#include "scratch.hpp"
#include "sys.hpp"
#include "template.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

std::vector<std::string> expand_globs(const std::vector<std::string>& patterns) {
  std::vector<std::string> folders;
  const char* home = std::getenv("HOME");
  for (std::string pattern : patterns) {
    if (pattern.starts_with("~/") && home != nullptr) pattern.replace(0, 1, home);
    ::glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      // Backwards: of several versions the newest sorts last.
      for (std::size_t i = found.gl_pathc; i > 0; --i) folders.emplace_back(found.gl_pathv[i - 1]);
    }
    ::globfree(&found);
  }
  return folders;
}

std::vector<std::string> split_path() {
  std::vector<std::string> folders;
  const char* text = std::getenv("PATH");
  std::string_view rest = text != nullptr ? text : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  return folders;
}

std::vector<std::string> search_path(const std::vector<std::string>& patterns) {
  std::vector<std::string> folders = expand_globs(patterns);
  for (std::string& folder : split_path()) folders.push_back(std::move(folder));
  return folders;
}

// "postgres.http" -> the port http of postgres; null when there is none.
const Port* port_of_other(const Settings& settings, std::string_view argument) {
  const std::size_t dot = argument.find('.');
  if (dot == std::string_view::npos) return nullptr;
  for (const Service& service : settings.services)
    for (const Port& port : service.ports)
      if (service.name == argument.substr(0, dot) && port.name == argument.substr(dot + 1))
        return &port;
  return nullptr;
}

Lookup variables(const Settings& settings, const Service& service, const fs::path& data) {
  return [&settings, &service, data](std::string_view name, std::string_view argument) {
    if (name == "data") return data.string();
    if (name == "run") return settings.run_dir(service.name).string();
    if (name == "config_dir") return settings.config_dir.string();
    if (name == "service") return service.name;
    if (name == "stack") return settings.stack;
    if (name == "port") {
      const Port* port = argument.empty() ? main_port(service) : nullptr;
      for (const Port& candidate : service.ports)
        if (candidate.name == argument) port = &candidate;
      if (port == nullptr) port = port_of_other(settings, argument);
      if (port != nullptr) return std::to_string(port->number);
    }
    throw fbx::Error(
        FBX_CONFIG,
        fmt::format("unknown reference ${{{}{}{}}}", name, argument.empty() ? "" : ":", argument),
        "known: ${data}, ${run}, ${config_dir}, ${service}, ${stack}, ${port}, ${port:NAME}, "
        "${port:SERVICE.NAME}, ${secret:NAME}, ${sha256:...}");
  };
}

// The same whoever calls: a service must not differ because `up` came from another shell.
std::string service_path(const Settings& settings, const fs::path& program) {
  std::vector<std::string> folders{program.parent_path().string()};
  for (std::string& folder : expand_globs(settings.path)) folders.push_back(std::move(folder));
  for (const char* folder : {"/opt/homebrew/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                             "/usr/bin", "/sbin", "/bin"})
    folders.emplace_back(folder);
  return fmt::format("{}", fmt::join(folders, ":"));
}

// The environment of a service holds what is configured and the little that programs expect;
// nothing of ours, which may hold sign-in tokens.
std::map<std::string, std::string> base_environment(const Settings& settings, const Definition& d) {
  std::map<std::string, std::string> environment{{"PATH", service_path(settings, d.command[0])},
                                                 {"HOME", d.run_dir.string()},
                                                 {"LANG", "C.UTF-8"}};
  if (!d.account.name.empty()) environment["USER"] = environment["LOGNAME"] = d.account.name;
  return environment;
}

Definition resolve_with(const Settings& settings, const Service& service,
                        const std::vector<std::string>& command,
                        const std::optional<std::string>& stdin_text, const fs::path& data) {
  Definition d;
  d.service = service.name;
  d.data = data;
  d.run_dir = settings.run_dir(service.name);
  d.account = find_account(service.user);
  const Lookup lookup = variables(settings, service, data);
  const std::string where = "its settings";
  for (const std::string& word : command) d.command.push_back(expand(word, where, lookup));
  d.command[0] = find_program(d.command[0], settings.path, settings.config_dir).string();
  d.environment = base_environment(settings, d);
  for (const auto& [key, value] : service.environment)
    d.environment[key] = expand_but_secrets(value, where, lookup);
  if (stdin_text) d.stdin_text = expand_but_secrets(*stdin_text, where, lookup);
  for (const auto& [name, source] : service.files) {
    const auto text = read_file(source);
    if (!text)
      throw fbx::Error(FBX_CONFIG, fmt::format("there is no file {}", source.string()),
                       fmt::format("mend `files.\"{}\"`", name));
    if (mentions_secret(*text))
      throw fbx::Error(
          FBX_CONFIG,
          fmt::format("{} refers to a secret, and a file would keep its value", source.string()),
          "pass it in `environment` or `stdin`");
    d.files[name] = expand(*text, source.string(), lookup);
  }
  d.ports = service.ports;
  d.ready = service.ready;
  d.ready.http = expand(d.ready.http, where, lookup);
  for (std::string& word : d.ready.command) word = expand(word, where, lookup);
  if (!d.ready.command.empty())
    d.ready.command[0] =
        find_program(d.ready.command[0], settings.path, settings.config_dir).string();
  d.stop_signal = service.stop_signal;
  d.stop_grace = service.stop_grace;
  d.log_file = settings.log_file(service.name);
  d.log_max_size = service.log_max_size;
  d.log_files = service.log_files;
  refuse_live_ports(settings, d);
  return d;
}

// Errors name the service.
template <class... Args>
Definition named_resolve(const Settings& settings, const Service& service, const Args&... args) {
  try {
    return resolve_with(settings, service, args...);
  } catch (const fbx::Error& e) {
    throw fbx::Error(e.rc(), fmt::format("service {}: {}", service.name, e.what()), e.hint());
  }
}

json::object map_json(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

json::array list_json(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

std::map<std::string, std::string> map_from(const json::value& value) {
  std::map<std::string, std::string> map;
  for (const auto& member : value.as_object())
    map.emplace(member.key(), member.value().as_string());
  return map;
}

std::vector<std::string> list_from(const json::value& value) {
  std::vector<std::string> list;
  for (const json::value& item : value.as_array()) list.emplace_back(item.as_string());
  return list;
}

// What the running process depends on.
json::object essence(const Definition& d) {
  json::object out;
  out["command"] = list_json(d.command);
  out["environment"] = map_json(d.environment);
  out["stdin"] = d.stdin_text ? json::value(*d.stdin_text) : json::value();
  out["files"] = map_json(d.files);
  out["data"] = d.data.string();
  out["run_dir"] = d.run_dir.string();
  out["user"] = d.account.name;
  out["uid"] = d.account.uid;
  out["gid"] = d.account.gid;
  out["drop"] = d.account.drop;
  json::array ports;
  for (const Port& port : d.ports)
    ports.push_back({{"name", port.name},
                     {"host", port.host},
                     {"port", port.number},
                     {"target", port.target},
                     {"scheme", port.scheme}});
  out["ports"] = std::move(ports);
  out["log_file"] = d.log_file.string();
  out["log_max_size"] = d.log_max_size;
  out["log_files"] = d.log_files;
  return out;
}

}  // namespace

Account find_account(const std::string& user) {
  Account account{"", ::geteuid(), ::getegid(), false};
  if (user.empty() || ::geteuid() != 0) return account;
  std::vector<char> buffer(16384);
  ::passwd entry{};
  ::passwd* found = nullptr;
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr)
    throw fbx::Error(FBX_CONFIG, fmt::format("there is no user \"{}\" on this machine", user),
                     "install the server's package, which makes it, or change `user`");
  return {user, found->pw_uid, found->pw_gid, found->pw_uid != 0};
}

fs::path find_program(const std::string& program, const std::vector<std::string>& path,
                      const fs::path& config_dir) {
  if (program.find('/') != std::string::npos) {
    const fs::path file = config_dir / program;  // an absolute `program` stays as it is
    if (::access(file.c_str(), X_OK) == 0) return file.lexically_normal();
    throw fbx::Error(FBX_NOT_FOUND,
                     fmt::format("cannot run {}: {}", file.string(), errno_text(errno)),
                     "mend the command in the config");
  }
  for (const std::string& folder : search_path(path)) {
    const fs::path file = fs::path(folder) / program;
    std::error_code ignored;
    if (::access(file.c_str(), X_OK) == 0 && !fs::is_directory(file, ignored)) return file;
  }
  throw fbx::Error(FBX_NOT_FOUND, fmt::format("program \"{}\" is not installed", program),
                   "install it, or add its folder to the runtime's `path` in the config");
}

Definition resolve(const Settings& settings, const Service& service) {
  return named_resolve(settings, service, service.command, service.stdin_text,
                       settings.volume(service.name));
}

Definition resolve_init(const Settings& settings, const Service& service, const fs::path& data) {
  return named_resolve(settings, service, service.init->command, service.init->stdin_text, data);
}

std::string Definition::hash() const {
  json::object hashed = essence(*this);
  // A program that appeared in some folder is no reason to restart a database.
  hashed["environment"].as_object().erase("PATH");
  return sha256_hex(json::serialize(hashed));
}

json::object to_json(const Definition& d) {
  json::object out = essence(d);
  out["service"] = d.service;
  out["stop_signal"] = d.stop_signal;
  out["stop_grace"] = d.stop_grace.count();
  out["ready"] = {{"tcp", d.ready.tcp},
                  {"http", d.ready.http},
                  {"status", d.ready.status},
                  {"command", list_json(d.ready.command)},
                  {"timeout", d.ready.timeout.count()},
                  {"interval", d.ready.interval.count()}};
  return out;
}

Definition definition_from_json(const json::object& in) {
  const auto text = [](const json::object& table, const char* key) {
    return std::string(table.at(key).as_string());
  };
  const auto number = [](const json::object& table, const char* key) {
    return table.at(key).to_number<std::int64_t>();
  };
  Definition d;
  d.service = text(in, "service");
  d.command = list_from(in.at("command"));
  d.environment = map_from(in.at("environment"));
  if (in.at("stdin").is_string()) d.stdin_text = text(in, "stdin");
  d.files = map_from(in.at("files"));
  d.data = text(in, "data");
  d.run_dir = text(in, "run_dir");
  d.account = {text(in, "user"), static_cast<uid_t>(number(in, "uid")),
               static_cast<gid_t>(number(in, "gid")), in.at("drop").as_bool()};
  for (const json::value& item : in.at("ports").as_array()) {
    const json::object& port = item.as_object();
    d.ports.push_back({text(port, "name"), text(port, "host"),
                       static_cast<int>(number(port, "port")),
                       static_cast<int>(number(port, "target")), text(port, "scheme")});
  }
  d.log_file = text(in, "log_file");
  d.log_max_size = static_cast<std::uint64_t>(number(in, "log_max_size"));
  d.log_files = static_cast<int>(number(in, "log_files"));
  d.stop_signal = text(in, "stop_signal");
  d.stop_grace = milliseconds(number(in, "stop_grace"));
  const json::object& ready = in.at("ready").as_object();
  d.ready = {text(ready, "tcp"),
             text(ready, "http"),
             static_cast<int>(number(ready, "status")),
             list_from(ready.at("command")),
             milliseconds(number(ready, "timeout")),
             milliseconds(number(ready, "interval"))};
  return d;
}

}  // namespace runtime_process
