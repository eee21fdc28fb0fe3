// SPDX-License-Identifier: Apache-2.0
#include "common/docker/hijack.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/docker/engine.hpp"
#include "common/docker/unreachable.hpp"
#include "common/json.hpp"
#include "common/pipe_signal.hpp"
#include "common/result.hpp"

namespace fbx::docker {

namespace {

constexpr std::size_t most_head = 65536;

struct CloseEasy {
  void operator()(CURL* handle) const noexcept {
    const common::PipeSignalGuard guard;  // TLS says goodbye, perhaps to nobody
    curl_easy_cleanup(handle);
  }
};

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Op*>(context)->cancelled() ? 1 : 0;
}

}  // namespace

struct Hijack::State {
  Address address;
  std::string what;
  std::unique_ptr<CURL, CloseEasy> curl;
  curl_socket_t socket = CURL_SOCKET_BAD;
  std::string early;  // came with the head

  void connect(const common::Deadline& deadline);
  void send_all(std::string_view bytes, const common::Deadline& deadline) const;
  void read_head(const common::Deadline& deadline);
  [[noreturn]] void refuse(long status, const common::Deadline& deadline);
  void await(common::Wait what_for, const common::Deadline& deadline) const;
  // False at the end.
  bool read_more(const common::Deadline& deadline);
};

void Hijack::State::connect(const common::Deadline& deadline) {
  check_socket(address);
  curl.reset(curl_easy_init());
  if (!curl) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  std::array<char, CURL_ERROR_SIZE> detail{};
  CURL* const handle = curl.get();
  const std::string url = base_url(address);
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_SSL_ENABLE_ALPN, 0L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.left().count()) + 1);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &deadline.op());
  if (address.local()) curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, address.socket.c_str());
  set_tls(handle, address);
  CURLcode code = CURLE_OK;
  {
    const common::PipeSignalGuard guard;
    code = curl_easy_perform(handle);
  }
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK) {
    deadline.check_cancelled();
    long number = 0;
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
    throw_unreachable(address, code, static_cast<int>(number), detail.data(), what);
  }
  curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &socket);
}

void Hijack::State::await(common::Wait what_for, const common::Deadline& deadline) const {
  if (deadline.wait(socket, what_for) == common::Ready::timed_out)
    throw Error(FBX_TIMEOUT, fmt::format("{} did not answer {}", engine_at(address), what),
                "see whether the engine is busy or hangs: docker info");
}

void Hijack::State::send_all(std::string_view bytes, const common::Deadline& deadline) const {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const common::PipeSignalGuard guard;
    const CURLcode code = curl_easy_send(curl.get(), bytes.data(), bytes.size(), &sent);
    if (code == CURLE_AGAIN)
      await(common::Wait::write, deadline);
    else if (code != CURLE_OK)
      throw_unreachable(address, code, 0, "", what);
    bytes.remove_prefix(sent);
  }
}

bool Hijack::State::read_more(const common::Deadline& deadline) {
  std::array<char, 16384> buffer;
  for (;;) {
    std::size_t count = 0;
    const CURLcode code = curl_easy_recv(curl.get(), buffer.data(), buffer.size(), &count);
    if (code == CURLE_AGAIN) {
      await(common::Wait::read, deadline);
      continue;
    }
    if (code != CURLE_OK) throw_unreachable(address, code, 0, "", what);
    early.append(buffer.data(), count);
    return count > 0;
  }
}

void Hijack::State::read_head(const common::Deadline& deadline) {
  constexpr std::string_view blank = "\r\n\r\n";
  for (;;) {
    const auto end = early.find(blank);
    if (end != std::string::npos) {
      long status = 0;
      const auto space = early.find(' ');
      std::from_chars(early.data() + space + 1, early.data() + end, status);
      early.erase(0, end + blank.size());
      if (status != 101 && status != 200) refuse(status, deadline);
      return;
    }
    if (early.size() > most_head || !read_more(deadline))
      throw_unreachable(address, CURLE_GOT_NOTHING, 0, "", what);
  }
}

// The body is one small JSON object, whatever way it is wrapped.
void Hijack::State::refuse(long status, const common::Deadline& deadline) {
  while (early.find('}') == std::string::npos && early.size() < most_head && read_more(deadline)) {
  }
  const auto start = early.find('{');
  const auto end = early.rfind('}');
  std::string message = fmt::format("status {}", status);
  if (start < end && end != std::string::npos) {
    const auto object = common::parse_object(std::string_view(early).substr(start, end - start + 1),
                                             "the engine's answer", FBX_IO);
    message = common::text_at(object, "message").value_or(message);
  }
  throw EngineError(status,
                    fmt::format("the engine refuses {}: {}", what, common::one_line(message)), "");
}

Hijack::Hijack(const Address& address, std::string_view path, std::string_view body,
               const common::Deadline& deadline)
    : state_(std::make_unique<State>()) {
  state_->address = address;
  state_->what = fmt::format("POST {}", path);
  state_->connect(deadline);
  const std::string head = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: fusebox\r\nContent-Type: application/json\r\n"
      "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {}\r\n\r\n",
      path, address.local() ? "docker" : address.host, body.size());
  state_->send_all(head, deadline);
  state_->send_all(body, deadline);
  state_->read_head(deadline);
}
Hijack::Hijack(Hijack&&) noexcept = default;
Hijack& Hijack::operator=(Hijack&&) noexcept = default;
Hijack::~Hijack() = default;

int Hijack::fd() const { return state_->socket; }

Hijack::Got Hijack::read(std::span<char> buffer, std::size_t& count) {
  if (!state_->early.empty()) {
    count = std::min(buffer.size(), state_->early.size());
    state_->early.copy(buffer.data(), count);
    state_->early.erase(0, count);
    return Got::bytes;
  }
  count = 0;
  const CURLcode code = curl_easy_recv(state_->curl.get(), buffer.data(), buffer.size(), &count);
  if (code == CURLE_AGAIN) return Got::nothing;
  if (code != CURLE_OK) throw_unreachable(state_->address, code, 0, "", state_->what);
  return count == 0 ? Got::end : Got::bytes;
}

std::size_t Hijack::write(std::string_view bytes) {
  std::size_t sent = 0;
  const common::PipeSignalGuard guard;
  const CURLcode code = curl_easy_send(state_->curl.get(), bytes.data(), bytes.size(), &sent);
  if (code != CURLE_OK && code != CURLE_AGAIN)
    throw_unreachable(state_->address, code, 0, "", state_->what);
  return sent;
}

void Hijack::end_of_input() {
  if (!state_->address.tls) {
    ::shutdown(state_->socket, SHUT_WR);
    return;
  }
  // TLS has its own word for it, which libcurl does not offer.
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(state_->curl.get(), CURLINFO_TLS_SSL_PTR, &session);
  if (session == nullptr || session->backend != CURLSSLBACKEND_OPENSSL ||
      session->internals == nullptr)
    throw Error(FBX_UNSUPPORTED, "this libcurl's TLS cannot end a program's input",
                "use a libcurl with OpenSSL, or the engine's socket through ssh -L");
  const common::PipeSignalGuard guard;
  ::SSL_shutdown(static_cast<SSL*>(session->internals));
}

}  // namespace fbx::docker
