// SPDX-License-Identifier: Apache-2.0
#include "common/compose/scratch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <filesystem>
#include <set>
#include <utility>

#include "common/json.hpp"

namespace fbx::compose {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The labels that say which port speaks HTTP; OrbStack serves it at the project's own name.
bool is_kept(std::string_view label) {
  return label == "dev.orbstack.http-port" || label == "dev.orbstack.https-port";
}

std::string text(const json::object& object, std::string_view key) {
  return common::text_at(object, key).value_or("");
}

class Service {
 public:
  Service(std::string name, json::object& service, Scratch& scratch, std::string_view live)
      : name_(std::move(name)), service_(service), scratch_(scratch), live_(live) {}

  void edit() {
    for (const char* fixed : {"container_name", "mac_address", "external_links"})
      service_.erase(fixed);
    image();
    labels();
    network();
    ports();
    mounts();
  }

 private:
  void note(std::string_view what) {
    scratch_.notes.push_back(fmt::format("{} of the scratch stack {}", name_, what));
  }

  void image() {
    if (!service_.contains("build")) return;
    if (text(service_, "image").empty()) service_["image"] = fmt::format("{}-{}", live_, name_);
    service_.erase("build");
    service_["pull_policy"] = "never";
  }

  void labels() {
    json::object kept;
    if (const json::object* labels = common::object_at(service_, "labels"))
      for (const auto& label : *labels)
        if (is_kept(label.key())) kept[label.key()] = label.value();
    service_["labels"] = std::move(kept);
  }

  void network() {
    const std::string mode = text(service_, "network_mode");
    if (mode == "host" || mode.starts_with("container:")) {
      service_.erase("network_mode");
      note(fmt::format("has the project's own network, not \"{}\"", mode));
    }
    if (auto* networks = service_["networks"].if_object(); networks == nullptr)
      service_.erase("networks");
    else
      for (auto& network : *networks)
        if (auto* place = network.value().if_object())
          for (const char* fixed :
               {"ipv4_address", "ipv6_address", "link_local_ips", "mac_address"})
            place->erase(fixed);
  }

  void ports() {
    const json::array* ports = common::array_at(service_, "ports");
    if (ports == nullptr) return;
    json::array own;
    std::set<std::string> seen;
    for (const json::value& item : *ports) {
      if (!item.is_object()) continue;
      const json::object& port = item.get_object();
      const auto target = common::integer_at(port, "target").value_or(0);
      const std::string protocol = common::text_at(port, "protocol").value_or("tcp");
      if (!seen.insert(fmt::format("{}/{}", target, protocol)).second) continue;
      own.push_back({{"mode", "ingress"},
                     {"host_ip", "127.0.0.1"},
                     {"target", target},
                     {"protocol", protocol},
                     {published_by_files, text(port, "published")}});
    }
    service_["ports"] = std::move(own);
  }

  void mounts() {
    if (const json::array* others = common::array_at(service_, "volumes_from")) {
      json::array kept;
      for (const json::value& other : *others)
        if (other.is_string() && !other.get_string().starts_with("container:"))
          kept.push_back(other);
      service_["volumes_from"] = std::move(kept);
    }
    const json::array* mounts = common::array_at(service_, "volumes");
    if (mounts == nullptr) return;
    json::array own;
    for (const json::value& item : *mounts)
      if (item.is_object()) mount(item.get_object(), own);
    service_["volumes"] = std::move(own);
  }

  void mount(json::object mount, json::array& own) {
    if (text(mount, "type") != "bind") return own.push_back(std::move(mount));
    const std::string source = text(mount, "source");
    std::error_code ignored;
    const fs::file_status status = fs::status(source, ignored);
    if (fs::is_socket(status)) return note(fmt::format("does without the socket {}", source));
    if (common::boolean_at(mount, "read_only").value_or(false))
      return own.push_back(std::move(mount));
    if (fs::is_regular_file(status)) {
      mount["read_only"] = true;
    } else {
      const std::string key = fmt::format("{}-folder-{}", name_, own.size());
      volumes()[key] = json::object{};
      mount = {{"type", "volume"}, {"source", key}, {"target", text(mount, "target")}};
      note(fmt::format("has an empty volume instead of the folder {}, which it could write",
                       source));
    }
    own.push_back(std::move(mount));
  }

  json::object& volumes() {
    json::value& all = scratch_.config["volumes"];
    return all.is_object() ? all.get_object() : all.emplace_object();
  }

  std::string name_;
  json::object& service_;
  Scratch& scratch_;
  std::string_view live_;
};

// Keeps of each only whether it leads nowhere else.
void rename_all(json::object& config, std::string_view kind, std::string_view project) {
  json::value* all = config.if_contains(kind);
  if (all == nullptr || !all->is_object()) return;
  for (auto& resource : all->get_object()) {
    json::object plain{{"name", fmt::format("{}_{}", project, std::string_view(resource.key()))}};
    if (const auto* was = resource.value().if_object();
        was != nullptr && common::boolean_at(*was, "internal").value_or(false))
      plain["internal"] = true;
    resource.value() = std::move(plain);
  }
}

}  // namespace

Scratch as_scratch(json::object config, std::string_view project, std::string_view live) {
  Scratch scratch{std::move(config), {}};
  scratch.config["name"] = project;
  // The services apart: they may add volumes.
  json::value services = scratch.config["services"];
  if (services.is_object())
    for (auto& service : services.get_object())
      if (service.value().is_object())
        Service(service.key(), service.value().get_object(), scratch, live).edit();
  scratch.config["services"] = std::move(services);
  rename_all(scratch.config, "volumes", project);
  rename_all(scratch.config, "networks", project);
  return scratch;
}

}  // namespace fbx::compose
