// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <fusebox/plugin.hpp>
#include <random>

#include "net.hpp"
#include "record.hpp"
#include "request.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

// Below what systems give to outgoing connections.
constexpr int first_port = 20'000;
constexpr int last_port = 32'000;

fs::path ports_file(const Settings& settings) { return settings.state_dir / "ports.json"; }

// {"postgres":{"postgres":24711}}
json::object kept_ports(const Settings& settings) {
  const auto text = read_file(ports_file(settings));
  return text ? fbx::common::parse_object(*text, ports_file(settings).string(), FBX_IO)
              : json::object{};
}

int kept_port(const json::object& kept, const Service& service, const Port& port) {
  const auto* ports = fbx::common::object_at(kept, service.name);
  return ports == nullptr
             ? 0
             : static_cast<int>(fbx::common::integer_at(*ports, port.name).value_or(0));
}

// A running service is where it is.
int running_port(const std::optional<Record>& record, const Port& port) {
  if (!record || !record->running()) return 0;
  for (const Port& other : record->definition.ports)
    if (other.name == port.name) return other.number;
  return 0;
}

bool is_free(const Port& port, int number) {
  std::string why;
  return can_listen(port.host, number, why);
}

int choose_port(const Port& port, const std::set<int>& taken) {
  constexpr int count = last_port - first_port + 1;
  const int start = static_cast<int>(std::random_device{}() % count);
  for (int i = 0; i < count; ++i) {
    const int number = first_port + (start + i) % count;
    if (!taken.contains(number) && is_free(port, number)) return number;
  }
  throw fbx::Error(
      FBX_CONFLICT,
      fmt::format("there is no free port from {} to {} on {}", first_port, last_port, port.host),
      "end what listens there");
}

// As a number of its own, not within a longer word.
bool mentions(std::string_view text, const std::string& number) {
  const auto is_word = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
  };
  for (std::size_t at = text.find(number); at != std::string_view::npos;
       at = text.find(number, at + 1))
    if ((at == 0 || !is_word(at - 1)) && !is_word(at + number.size())) return true;
  return false;
}

}  // namespace

void move_scratch(Settings& settings) {
  settings.stack = settings.scratch;
  settings.state_dir = settings.state_dir / "scratch" / settings.scratch;
  if (!settings.data_dir.empty())
    settings.data_dir = settings.data_dir / ".scratch" / settings.scratch;
}

void take_scratch_ports(Settings& settings) {
  const json::object kept = kept_ports(settings);
  std::set<int> taken;
  for (const Service& service : settings.services)
    for (const Port& port : service.ports) settings.live_ports.insert(port.number);
  taken = settings.live_ports;
  for (const Service& service : settings.services)
    for (const Port& port : service.ports) taken.insert(kept_port(kept, service, port));
  for (Service& service : settings.services) {
    if (service.ports.empty()) continue;
    const auto record = read_record(settings.state_dir, service.name);
    for (Port& port : service.ports) {
      // Clients go on asking for the number that they know.
      if (port.target == 0) port.target = port.number;
      int number = running_port(record, port);
      if (const int before = kept_port(kept, service, port);
          number == 0 && before != 0 && is_free(port, before))
        number = before;
      if (number == 0) number = choose_port(port, taken);
      port.number = number;
      taken.insert(number);
    }
  }
}

void keep_scratch_ports(const Settings& settings) {
  if (settings.scratch.empty()) return;
  json::object kept;
  for (const Service& service : settings.services) {
    json::object ports;
    for (const Port& port : service.ports) ports[port.name] = port.number;
    if (!ports.empty()) kept[service.name] = std::move(ports);
  }
  make_folders(settings.state_dir, 0700);
  write_file_atomic(ports_file(settings), json::serialize(kept));
}

void forget_scratch_ports(const Settings& settings) {
  if (settings.scratch.empty()) return;
  for (const fs::path& folder : {settings.state_dir / "services", settings.state_dir / "volumes"})
    if (fs::exists(folder)) return;
  remove_tree(ports_file(settings));
}

void refuse_live_ports(const Settings& settings, const Definition& d) {
  const auto check = [&](std::string_view text, std::string_view where) {
    for (const int port : settings.live_ports)
      if (mentions(text, std::to_string(port)))
        throw fbx::Error(
            FBX_CONFIG,
            fmt::format("{} names port {}, which is the live stack's: {} must not reach it", where,
                        port, settings.scratch),
            "write ${port}, ${port:NAME} or ${port:SERVICE.NAME} for it");
  };
  for (const std::string& word : d.command) check(word, "its command");
  for (const auto& [key, value] : d.environment) check(value, "its environment's " + key);
  if (d.stdin_text) check(*d.stdin_text, "its stdin");
  for (const auto& [name, text] : d.files) check(text, "its file " + name);
  check(d.ready.http, "its ready check");
  for (const std::string& word : d.ready.command) check(word, "its ready check");
}

}  // namespace runtime_process
