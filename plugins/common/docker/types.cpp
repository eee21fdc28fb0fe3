// SPDX-License-Identifier: Apache-2.0
#include "common/docker/types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fusebox/plugin.hpp>
#include <utility>
#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::docker {

namespace {

using common::array_at;
using common::boolean_at;
using common::integer_at;
using common::object_at;
using common::text_at;

constexpr std::array<std::pair<std::string_view, State>, 7> states{
    {{"created", State::created},
     {"running", State::running},
     {"paused", State::paused},
     {"restarting", State::restarting},
     {"removing", State::removing},
     {"exited", State::exited},
     {"dead", State::dead}}};

constexpr std::array<std::pair<std::string_view, Health>, 4> healths{
    {{"none", Health::none},
     {"starting", Health::starting},
     {"healthy", Health::healthy},
     {"unhealthy", Health::unhealthy}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [name, known] : table)
    if (known == value) return name;
  return "";
}

const json::object& object_of(const json::value& value, const char* what) {
  if (const auto* object = value.if_object()) return *object;
  throw Error(FBX_IO, std::string("the engine's answer is not ") + what,
              "is it a Docker engine that answers at this address?");
}

const json::object& empty_object() {
  static const json::object none;
  return none;
}

const json::object& part(const json::object& object, std::string_view key) {
  const json::object* found = object_at(object, key);
  return found != nullptr ? *found : empty_object();
}

std::string text(const json::object& object, std::string_view key) {
  return text_at(object, key).value_or("");
}

std::int64_t number(const json::object& object, std::string_view key) {
  return integer_at(object, key).value_or(0);
}

std::uint16_t port(std::int64_t number) {
  return number > 0 && number < 65536 ? static_cast<std::uint16_t>(number) : 0;
}

std::uint16_t port(std::string_view text) {
  std::uint16_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::vector<std::string> texts(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  if (const json::array* list = array_at(object, key))
    for (const json::value& item : *list)
      if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

Labels labels(const json::object& object) {
  Labels out;
  for (const auto& item : part(object, "Labels"))
    if (item.value().is_string()) out[item.key()] = item.value().get_string();
  return out;
}

State state(const json::object& object, std::string_view key) {
  const std::string name = text(object, key);
  for (const auto& [known, value] : states)
    if (known == name) return value;
  throw Error(FBX_IO, "the engine says that a container is \"" + common::one_line(name, 40) + "\"",
              "fusebox knows no such state: update it");
}

std::string without_slash(std::string name) {
  if (name.starts_with('/')) name.erase(0, 1);
  return name;
}

std::vector<Mount> mounts(const json::object& object) {
  std::vector<Mount> out;
  if (const json::array* list = array_at(object, "Mounts"))
    for (const json::value& item : *list)
      if (const auto* mount = item.if_object())
        out.push_back({text(*mount, "Type"), text(*mount, "Name"), text(*mount, "Source"),
                       text(*mount, "Destination"), boolean_at(*mount, "RW").value_or(true)});
  return out;
}

std::vector<NetworkPlace> networks(const json::object& object) {
  std::vector<NetworkPlace> out;
  for (const auto& item : part(part(object, "NetworkSettings"), "Networks"))
    if (const auto* network = item.value().if_object())
      out.push_back({item.key(), text(*network, "IPAddress")});
  return out;
}

// By target, and the loopback's address first.
void sort_ports(std::vector<Port>& ports) {
  const auto rank = [](const Port& p) {
    return p.published == 0 ? 3 : p.ip == "127.0.0.1" ? 0 : p.ip == "0.0.0.0" ? 1 : 2;
  };
  std::stable_sort(ports.begin(), ports.end(), [&](const Port& a, const Port& b) {
    return std::pair(a.target, rank(a)) < std::pair(b.target, rank(b));
  });
}

std::vector<Port> listed_ports(const json::object& object) {
  std::vector<Port> out;
  if (const json::array* list = array_at(object, "Ports"))
    for (const json::value& item : *list)
      if (const auto* entry = item.if_object())
        out.push_back({port(number(*entry, "PrivatePort")), port(number(*entry, "PublicPort")),
                       text(*entry, "IP"), text_at(*entry, "Type").value_or("tcp")});
  sort_ports(out);
  return out;
}

// {"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":"15432"}],"9000/tcp":null}
std::vector<Port> detailed_ports(const json::object& object) {
  std::vector<Port> out;
  for (const auto& item : part(part(object, "NetworkSettings"), "Ports")) {
    const std::string_view key = item.key();
    const auto slash = std::min(key.find('/'), key.size());
    Port entry{port(key.substr(0, slash)), 0, "",
               slash < key.size() ? std::string(key.substr(slash + 1)) : "tcp"};
    const auto* bindings = item.value().if_array();
    if (bindings == nullptr || bindings->empty()) {
      out.push_back(entry);
      continue;
    }
    for (const json::value& binding : *bindings) {
      if (!binding.is_object()) continue;
      entry.ip = text(binding.get_object(), "HostIp");
      entry.published = port(text(binding.get_object(), "HostPort"));
      out.push_back(entry);
    }
  }
  sort_ports(out);
  return out;
}

// Times that never were are the year 1 to the engine.
std::string time(const json::object& object, std::string_view key) {
  std::string out = text(object, key);
  if (out.starts_with("0001-")) out.clear();
  return out;
}

void read_health(const json::object& state, ContainerDetails& out) {
  const json::object* health = object_at(state, "Health");
  if (health == nullptr) return;
  const std::string name = text(*health, "Status");
  for (const auto& [known, value] : healths)
    if (known == name) out.health = value;
  out.has_check = out.health != Health::none;
  out.failing_streak = static_cast<int>(number(*health, "FailingStreak"));
  const json::array* log = array_at(*health, "Log");
  if (out.health == Health::healthy || log == nullptr || log->empty()) return;
  if (const auto* last = log->back().if_object())
    out.health_output = common::one_line(text(*last, "Output"));
}

}  // namespace

std::string_view name_of(State state) { return name_in(states, state); }
std::string_view name_of(Health health) { return name_in(healths, health); }

std::string Container::label(std::string_view key) const {
  const auto found = labels.find(std::string(key));
  return found == labels.end() ? std::string{} : found->second;
}

std::vector<Container> read_containers(const json::value& list) {
  const auto* items = list.if_array();
  if (items == nullptr) static_cast<void>(object_of(nullptr, "a list of containers"));
  std::vector<Container> out;
  for (const json::value& item : *items) {
    const json::object& object = object_of(item, "a container");
    Container container;
    container.id = text(object, "Id");
    const auto names = texts(object, "Names");
    if (!names.empty()) container.name = without_slash(names.front());
    container.image = text(object, "Image");
    container.image_id = text(object, "ImageID");
    container.state = state(object, "State");
    container.status = text(object, "Status");
    container.created = number(object, "Created");
    container.labels = labels(object);
    container.ports = listed_ports(object);
    container.mounts = mounts(object);
    container.networks = networks(object);
    out.push_back(std::move(container));
  }
  return out;
}

ContainerDetails read_details(const json::value& value) {
  const json::object& object = object_of(value, "a container");
  const json::object& state_part = part(object, "State");
  const json::object& config = part(object, "Config");
  const json::object& host = part(object, "HostConfig");
  ContainerDetails out;
  out.summary.id = text(object, "Id");
  out.summary.name = without_slash(text(object, "Name"));
  out.summary.image = text(config, "Image");
  out.summary.image_id = text(object, "Image");
  out.summary.state = state(state_part, "Status");
  out.summary.labels = labels(config);
  out.summary.ports = detailed_ports(object);
  out.summary.mounts = mounts(object);
  out.summary.networks = networks(object);
  read_health(state_part, out);
  out.exit_code = number(state_part, "ExitCode");
  out.restarts = static_cast<int>(number(object, "RestartCount"));
  out.oom_killed = boolean_at(state_part, "OOMKilled").value_or(false);
  out.error = common::one_line(text(state_part, "Error"));
  out.started_at = time(state_part, "StartedAt");
  out.finished_at = time(state_part, "FinishedAt");
  out.tty = boolean_at(config, "Tty").value_or(false);
  out.user = text(config, "User");
  out.read_only = boolean_at(host, "ReadonlyRootfs").value_or(false);
  out.log_driver = text(part(host, "LogConfig"), "Type");
  out.restart_policy = text(part(host, "RestartPolicy"), "Name");
  out.pid = number(state_part, "Pid");
  return out;
}

Image read_image(const json::value& value) {
  const json::object& object = object_of(value, "an image");
  return {text(object, "Id"),           texts(object, "RepoTags"),     texts(object, "RepoDigests"),
          number(object, "Size"),       text(object, "Created"),       text(object, "Os"),
          text(object, "Architecture"), labels(part(object, "Config"))};
}

Volume read_volume(const json::value& value) {
  const json::object& object = object_of(value, "a volume");
  return {text(object, "Name"), text(object, "Driver"), text(object, "Mountpoint"), labels(object),
          integer_at(part(object, "UsageData"), "Size").value_or(-1)};
}

Network read_network(const json::value& value) {
  const json::object& object = object_of(value, "a network");
  return {text(object, "Id"), text(object, "Name"), text(object, "Driver"), labels(object)};
}

Version read_version(const json::value& value) {
  const json::object& object = object_of(value, "a version");
  return {text(object, "Version"), text(object, "ApiVersion"), text(object, "MinAPIVersion"),
          text(object, "Os"), text(object, "Arch")};
}

Info read_info(const json::value& value) {
  const json::object& object = object_of(value, "the engine's description");
  return {text(object, "Name"),       text(object, "OperatingSystem"),
          text(object, "OSType"),     text(object, "DockerRootDir"),
          text(object, "Driver"),     number(object, "NCPU"),
          number(object, "MemTotal"), number(object, "ContainersRunning"),
          texts(object, "Warnings")};
}

std::string tag_of(std::string_view reference) {
  reference = reference.substr(0, reference.find('@'));
  const auto slash = reference.rfind('/');
  const auto colon = reference.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon == std::string_view::npos || reference.starts_with("sha256:")) return {};
  return std::string(reference.substr(colon + 1));
}

}  // namespace fbx::docker
