// SPDX-License-Identifier: Apache-2.0
#include "common/docker/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <fusebox/plugin.hpp>
#include <iterator>
#include "common/json.hpp"

namespace fbx::docker {

namespace {

namespace fs = std::filesystem;
namespace json = common::json;

constexpr std::string_view default_socket = "/var/run/docker.sock";
constexpr std::string_view unix_scheme = "unix://";
constexpr std::uint16_t plain_port = 2375;
constexpr std::uint16_t tls_port = 2376;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

fs::path home(const Environment& environment) { return environment("HOME").value_or("/"); }

fs::path config_folder(const Environment& environment) {
  if (const auto folder = environment("DOCKER_CONFIG")) return *folder;
  return home(environment) / ".docker";
}

[[noreturn]] void refuse(const std::string& url, const std::string& source) {
  throw Error(FBX_CONFIG,
              fmt::format("\"{}\" (from {}) is no address of a Docker engine", url, source),
              "write unix:///path/to/docker.sock or tcp://host:port");
}

// "10.0.0.2:2376", "[::1]:2375", "engine.example".
void read_host(std::string_view rest, Address& address) {
  rest = rest.substr(0, rest.find('/'));
  address.port = address.tls ? tls_port : plain_port;
  const auto bracket = rest.rfind(']');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const std::string_view digits = rest.substr(colon + 1);
    const auto end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, address.port);
    if (read.ec != std::errc{} || read.ptr != end || address.port == 0)
      refuse(address.url, address.source);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) refuse(address.url, address.source);
  address.host = rest;
}

Address parse(std::string url, std::string source, std::optional<Tls> tls) {
  Address address;
  address.url = std::move(url);
  address.source = std::move(source);
  const std::string_view text = address.url;
  if (text.starts_with(unix_scheme)) {
    address.socket = text.substr(unix_scheme.size());
    if (!address.socket.is_absolute()) refuse(address.url, address.source);
    return address;
  }
  for (const std::string_view scheme : {"ssh://", "npipe://", "fd://"})
    if (text.starts_with(scheme))
      throw Error(FBX_UNSUPPORTED,
                  fmt::format("fusebox does not speak {} ({} from {})", scheme, address.url,
                              address.source),
                  "forward the engine's socket (ssh -L /tmp/engine.sock:/var/run/docker.sock) and "
                  "set DOCKER_HOST=unix:///tmp/engine.sock");
  const auto scheme_end = text.find("://");
  std::string_view scheme =
      scheme_end == std::string_view::npos ? "tcp" : text.substr(0, scheme_end);
  if (scheme != "tcp" && scheme != "http" && scheme != "https") refuse(address.url, address.source);
  address.tls = std::move(tls);
  if (scheme == "https" && !address.tls) address.tls = Tls{};
  read_host(scheme_end == std::string_view::npos ? text : text.substr(scheme_end + 3), address);
  return address;
}

Tls certificates_in(const fs::path& folder, bool verify) {
  return {folder / "ca.pem", folder / "cert.pem", folder / "key.pem", verify};
}

std::optional<Tls> tls_of(const Environment& environment) {
  const bool verify = environment("DOCKER_TLS_VERIFY").has_value();
  if (!verify && !environment("DOCKER_TLS")) return std::nullopt;
  const auto folder = environment("DOCKER_CERT_PATH");
  return certificates_in(folder ? fs::path(*folder) : config_folder(environment), verify);
}

Address usual(const Environment& environment) {
  const auto socket = [](const fs::path& path, std::string source) {
    return parse(fmt::format("{}{}", unix_scheme, path.string()), std::move(source), std::nullopt);
  };
  if (is_there(default_socket)) return socket(default_socket, "the default");
  std::vector<fs::path> others = {home(environment) / ".orbstack/run/docker.sock",
                                  home(environment) / ".docker/run/docker.sock"};
  if (const auto folder = environment("XDG_RUNTIME_DIR"))
    others.push_back(fs::path(*folder) / "docker.sock");
  for (const fs::path& other : others)
    if (is_there(other))
      return socket(other, fmt::format("the default, for there is no {}", default_socket));
  return socket(default_socket, "the default");
}

struct Record {
  json::object meta;
  std::string folder;  // its name, which the certificates' folder shares
};

std::optional<Record> find_context(const fs::path& config, const std::string& name) {
  std::error_code error;
  for (const auto& item : fs::directory_iterator(config / "contexts" / "meta", error)) {
    json::object meta;
    try {
      meta = common::parse_object(text_of(item.path() / "meta.json"), "the context", FBX_CONFIG);
    } catch (const Error&) {
      continue;  // of another context, perhaps of another version
    }
    if (common::text_at(meta, "Name") == name)
      return Record{std::move(meta), item.path().filename()};
  }
  return std::nullopt;
}

Address of_context(const std::string& name, const std::string& said_by,
                   const Environment& environment) {
  const fs::path config = config_folder(environment);
  const auto record = find_context(config, name);
  const fs::path orbstack = home(environment) / ".orbstack/run/docker.sock";
  if (!record && name == "orbstack" && is_there(orbstack))
    return parse(fmt::format("{}{}", unix_scheme, orbstack.string()), "OrbStack's socket",
                 std::nullopt);
  const json::object* endpoints = record ? common::object_at(record->meta, "Endpoints") : nullptr;
  const json::object* docker = endpoints ? common::object_at(*endpoints, "docker") : nullptr;
  const auto host = docker ? common::text_at(*docker, "Host") : std::nullopt;
  if (!host)
    throw Error(FBX_CONFIG,
                fmt::format("there is no Docker context \"{}\" (asked for by {})", name, said_by),
                "`docker context ls` lists them; `docker context use` chooses one");
  const fs::path certificates = config / "contexts" / "tls" / record->folder / "docker";
  std::optional<Tls> tls;
  const bool skip = common::boolean_at(*docker, "SkipTLSVerify").value_or(false);
  if (skip || is_there(certificates)) tls = certificates_in(certificates, !skip);
  Address address = parse(*host, fmt::format("the context {}", name), std::move(tls));
  address.context = name;
  return address;
}

std::optional<std::string> current_context(const Environment& environment) {
  const std::string text = text_of(config_folder(environment) / "config.json");
  if (text.empty()) return std::nullopt;
  return common::text_at(common::parse_object(text, "Docker's config.json", FBX_CONFIG),
                         "currentContext");
}

}  // namespace

bool Address::here() const {
  return local() || host == "localhost" || host == "::1" || host.starts_with("127.");
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  };
}

Address find_engine(const Wish& wish, const Environment& environment) {
  if (!wish.host.empty()) return parse(wish.host, "the config", tls_of(environment));
  if (!wish.context.empty() && wish.context != "default")
    return of_context(wish.context, "the config", environment);
  if (wish.context.empty()) {
    if (const auto host = environment("DOCKER_HOST"))
      return parse(*host, "DOCKER_HOST", tls_of(environment));
    const auto named = environment("DOCKER_CONTEXT");
    const auto name = named ? named : current_context(environment);
    if (name && !name->empty() && *name != "default")
      return of_context(*name, named ? "DOCKER_CONTEXT" : "Docker's config.json", environment);
  }
  return usual(environment);
}

ChildEnvironment child_environment(const Address& address) {
  ChildEnvironment child;
  child.unset = {"DOCKER_TLS", "DOCKER_API_VERSION"};
  if (!address.context.empty()) {
    child.set["DOCKER_CONTEXT"] = address.context;
    for (const char* name : {"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"})
      child.unset.emplace_back(name);
    return child;
  }
  child.set["DOCKER_HOST"] = address.url;
  child.unset.emplace_back("DOCKER_CONTEXT");
  if (!address.tls || !address.tls->verify) child.unset.emplace_back("DOCKER_TLS_VERIFY");
  if (!address.tls) {
    child.unset.emplace_back("DOCKER_CERT_PATH");
    return child;
  }
  if (address.tls->verify) child.set["DOCKER_TLS_VERIFY"] = "1";
  // Without verifying, the docker command wants it said by this older variable.
  if (!address.tls->verify) {
    child.set["DOCKER_TLS"] = "1";
    child.unset.erase(std::find(child.unset.begin(), child.unset.end(), "DOCKER_TLS"));
  }
  if (!address.tls->ca.empty())
    child.set["DOCKER_CERT_PATH"] = address.tls->ca.parent_path().string();
  return child;
}

}  // namespace fbx::docker
