// SPDX-License-Identifier: Apache-2.0
#include "common/docker/unreachable.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include <cerrno>
#include <fusebox/plugin.hpp>
#include <system_error>

namespace fbx::docker {

namespace {

constexpr const char* start_hint =
    "start it (OrbStack: orb start; Docker Desktop: open it; Linux: sudo systemctl start docker), "
    "or say where the engine is: DOCKER_HOST, `docker context use`, or the plugin's host or "
    "context";

[[noreturn]] void throw_refused(const Address& address, int number) {
  const std::string engine = engine_at(address);
  switch (number) {
    case ENOENT:
      throw Error(FBX_UNAVAILABLE,
                  fmt::format("{} does not run: its socket does not exist", engine), start_hint);
    case EACCES:
    case EPERM:
      throw Error(FBX_DENIED, fmt::format("this user may not open the socket of {}", engine),
                  "join the socket's group (sudo usermod -aG docker $USER, then sign in again), or "
                  "use an engine of your own");
    case ECONNREFUSED:
      throw Error(FBX_UNAVAILABLE, fmt::format("{} does not run: nobody listens there", engine),
                  start_hint);
    default:
      throw Error(FBX_UNAVAILABLE,
                  fmt::format("{} cannot be reached{}", engine,
                              number == 0 ? "" : ": " + std::generic_category().message(number)),
                  start_hint);
  }
}

}  // namespace

std::string base_url(const Address& address) {
  if (address.local()) return "http://docker";
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", address.tls ? "https" : "http", v6 ? "[" : "", address.host,
                     v6 ? "]" : "", address.port);
}

void set_tls(CURL* handle, const Address& address) {
  if (!address.tls) return;
  const Tls& tls = *address.tls;
  const auto use = [&](CURLoption option, const std::filesystem::path& file) {
    std::error_code ignored;
    if (!file.empty() && std::filesystem::exists(file, ignored))
      curl_easy_setopt(handle, option, file.c_str());
  };
  use(CURLOPT_CAINFO, tls.ca);
  use(CURLOPT_SSLCERT, tls.certificate);
  use(CURLOPT_SSLKEY, tls.key);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
}

void check_socket(const Address& address) {
  constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  if (address.socket.native().size() > most)
    throw Error(FBX_CONFIG,
                fmt::format("the path of the engine's socket is too long: {} ({} bytes at most)",
                            address.socket.string(), most),
                "put a symbolic link with a shorter path in its place");
}

std::string engine_at(const Address& address) {
  return fmt::format("the Docker engine at {} ({})", address.url, address.source);
}

void throw_unreachable(const Address& address, CURLcode code, int number, std::string_view detail,
                       const std::string& what) {
  const std::string engine = engine_at(address);
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      throw_refused(address, number);
    case CURLE_COULDNT_RESOLVE_HOST:
      throw Error(FBX_UNAVAILABLE, fmt::format("nobody knows the host of {}", engine), start_hint);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      throw Error(FBX_DENIED, fmt::format("no trust with {}: {}", engine, detail),
                  "check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or the context");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      throw Error(FBX_IO, fmt::format("what answers at {} is no Docker engine", address.url),
                  "check the address: " + address.source);
    default:
      throw Error(FBX_UNAVAILABLE, fmt::format("{} went away during {}", engine, what),
                  "see whether it was stopped or restarted, and run the command again");
  }
}

}  // namespace fbx::docker
