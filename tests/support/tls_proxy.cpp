// SPDX-License-Identifier: Apache-2.0
#include "support/tls_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace fusebox::test {

struct TlsProxy::Context {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> tls{::SSL_CTX_new(::TLS_server_method()),
                                                          &::SSL_CTX_free};
};

namespace {

using Tls = std::unique_ptr<SSL, decltype(&::SSL_free)>;

int connect_to(const std::filesystem::path& socket) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

bool write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// From the client; false when nothing more is to come of it.
bool pass_up(SSL* tls, int server) {
  std::array<char, 16384> buffer;
  do {
    const int n = ::SSL_read(tls, buffer.data(), static_cast<int>(buffer.size()));
    if (n > 0) {
      if (!write_all(server, buffer.data(), static_cast<std::size_t>(n))) return false;
      continue;
    }
    const int error = ::SSL_get_error(tls, n);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    ::shutdown(server, SHUT_WR);
    return false;
  } while (::SSL_pending(tls) > 0);
  return true;
}

// From the server; false at its end.
bool pass_down(SSL* tls, int server) {
  std::array<char, 16384> buffer;
  const ssize_t n = ::recv(server, buffer.data(), buffer.size(), 0);
  if (n <= 0) {
    ::SSL_shutdown(tls);
    return false;
  }
  return ::SSL_write(tls, buffer.data(), static_cast<int>(n)) > 0;
}

}  // namespace

bool make_certificates(const std::filesystem::path& folder) {
  const std::string script = fmt::format(
      "set -e; cd {}; exec 2>/dev/null; openssl req -x509 -newkey rsa:2048 -nodes -keyout "
      "ca-key.pem "
      "-out ca.pem -days 2 -subj /CN=ca; printf 'subjectAltName=IP:127.0.0.1' > names; for who in "
      "client server; do mkdir $who; cp ca.pem $who; openssl req -newkey rsa:2048 -nodes -keyout "
      "$who/key.pem -out $who/request.pem -subj /CN=$who; openssl x509 -req -in $who/request.pem "
      "-CA ca.pem -CAkey ca-key.pem -CAcreateserial -out $who/cert.pem -days 2 -extfile names; "
      "done",
      folder.string());
  return std::system(script.c_str()) == 0;
}

TlsProxy::TlsProxy(const std::filesystem::path& certificates, const std::filesystem::path& socket)
    : context_(std::make_unique<Context>()), socket_(socket) {
  SSL_CTX* const tls = context_->tls.get();
  const auto file = [&](const char* name) { return (certificates / "server" / name).string(); };
  if (::SSL_CTX_use_certificate_file(tls, file("cert.pem").c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_use_PrivateKey_file(tls, file("key.pem").c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_load_verify_locations(tls, file("ca.pem").c_str(), nullptr) != 1)
    throw std::runtime_error("the certificates cannot be used");
  ::SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0)
    throw std::runtime_error("cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { listen(); });
}

TlsProxy::~TlsProxy() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  for (std::thread& thread : threads_) thread.join();
}

void TlsProxy::listen() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    const std::scoped_lock lock(mutex_);
    if (ended_ || fd < 0) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void TlsProxy::serve(int client) {
  // OpenSSL writes without asking for no signal.
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  const int server = connect_to(socket_);
  const Tls tls(::SSL_new(context_->tls.get()), &::SSL_free);
  ::SSL_set_fd(tls.get(), client);
  if (server >= 0 && ::SSL_accept(tls.get()) == 1) {
    bool up = true;
    while (true) {
      pollfd set[2] = {{up ? client : -1, POLLIN, 0}, {server, POLLIN, 0}};
      if (::SSL_pending(tls.get()) == 0) ::poll(set, 2, -1);
      if (up && (set[0].revents != 0 || ::SSL_pending(tls.get()) > 0))
        up = pass_up(tls.get(), server);
      if (set[1].revents != 0 && !pass_down(tls.get(), server)) break;
    }
  }
  const std::scoped_lock lock(mutex_);
  std::erase(open_, client);
  ::close(client);
  if (server >= 0) ::close(server);
}

}  // namespace fusebox::test
