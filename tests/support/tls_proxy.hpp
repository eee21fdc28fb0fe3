// SPDX-License-Identifier: Apache-2.0
// TLS in front of a Unix socket, with certificates of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fusebox::test {

// Writes ca.pem, cert.pem and key.pem for a client and for a server on 127.0.0.1, by the openssl
// program: <folder>/client/*.pem, <folder>/server/*.pem. False where there is no such program.
bool make_certificates(const std::filesystem::path& folder);

// Takes clients that have a certificate of the same authority, and passes bytes and ends of file on
// in both directions.
class TlsProxy {
 public:
  TlsProxy(const std::filesystem::path& certificates, const std::filesystem::path& socket);
  ~TlsProxy();
  TlsProxy(const TlsProxy&) = delete;
  TlsProxy& operator=(const TlsProxy&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  struct Context;
  void listen();
  void serve(int client);

  std::unique_ptr<Context> context_;
  std::filesystem::path socket_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  bool ended_ = false;
  std::vector<int> open_;
  std::list<std::thread> threads_;
  std::thread thread_;
};

}  // namespace fusebox::test
