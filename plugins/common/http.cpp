// SPDX-License-Identifier: Apache-2.0
#include "common/http.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <memory>
#include <system_error>

namespace fbx::common {

namespace {

constexpr const char* sha256_of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct CloseEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct CloseMulti {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
// Header values may be secrets: wiped before they go.
struct WipeList {
  void operator()(curl_slist* list) const noexcept {
    for (curl_slist* item = list; item != nullptr; item = item->next) {
      volatile char* byte = item->data;
      for (std::size_t left = std::strlen(item->data); left > 0; --left) *byte++ = '\0';
    }
    curl_slist_free_all(list);
  }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;
using Multi = std::unique_ptr<CURLM, CloseMulti>;
using List = std::unique_ptr<curl_slist, WipeList>;

struct Receiver {
  HttpResponse* response = nullptr;
  std::size_t most = 0;
  bool full = false;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) {
  auto& receiver = *static_cast<Receiver*>(context);
  std::string& body = receiver.response->body;
  const std::size_t room = receiver.most - body.size();
  body.append(data, std::min(size, room));
  receiver.full = size > room;
  return receiver.full ? 0 : size;  // 0 ends the transfer
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) {
  std::string_view line(data, size);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0)
    value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0)
    value.remove_suffix(1);
  static_cast<Receiver*>(context)->response->headers[lower(line.substr(0, colon))] = value;
  return size;
}

void add_header(List& list, const std::string& name, std::string_view value) {
  Secret line;
  line.append(name);
  line.append(value.empty() ? ";" : ": ");  // curl's way to send an empty header
  line.append(value);
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  static_cast<void>(list.release());
  list.reset(longer);
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode rc = curl_easy_setopt(handle, option, value);
  if (rc != CURLE_OK)
    throw Error(FBX_INTERNAL, fmt::format("libcurl refused an option: {}", curl_easy_strerror(rc)),
                "fusebox needs libcurl 7.85 or newer, with TLS");
}

void configure(CURL* handle, const HttpRequest& request, const List& headers) {
  set(handle, CURLOPT_URL, request.url.c_str());
  set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "HEAD") set(handle, CURLOPT_NOBODY, 1L);
  if (!request.body.empty()) {
    set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(handle, CURLOPT_POSTFIELDS, request.body.data());
  }
  set(handle, CURLOPT_HTTPHEADER, headers.get());
  set(handle, CURLOPT_USERAGENT, "fusebox");
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_MAXREDIRS, 5L);
  set(handle, CURLOPT_FOLLOWLOCATION, request.redirects == Redirects::follow ? 1L : 0L);
  const bool verify = request.tls_verify == TlsVerify::yes;
  set(handle, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  set(handle, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (request.s3 == nullptr) return;
  set(handle, CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:s3", request.s3->region).c_str());
  set(handle, CURLOPT_USERNAME, request.s3->access_key.c_str());
  set(handle, CURLOPT_PASSWORD, request.s3->secret_key.c_str());
}

HttpError::Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return HttpError::Kind::resolve;
    case CURLE_COULDNT_CONNECT:
      return HttpError::Kind::connect;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpError::Kind::timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return HttpError::Kind::tls;
    default:
      return HttpError::Kind::broken;
  }
}

[[noreturn]] void fail(CURL* handle, CURLcode code, const char* detail) {
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    throw Error(FBX_CONFIG, "the URL is not one of http or https",
                "write it as http://host:port/path");
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
  std::string text = detail;
  if (code == CURLE_COULDNT_CONNECT && number != 0)
    text = std::generic_category().message(static_cast<int>(number));
  if (text.empty()) text = curl_easy_strerror(code);
  throw HttpError(kind_of(code), std::move(text));
}

// Drives the transfer; what curl says of its end.
CURLcode drive(CURLM* multi, const Deadline& deadline) {
  curl_waitfd cancel{deadline.op().cancel_fd(), CURL_WAIT_POLLIN, 0};
  const unsigned extra = cancel.fd < 0 ? 0 : 1;
  for (;;) {
    int running = 0;
    CURLMcode rc = curl_multi_perform(multi, &running);
    int queued = 0;
    const CURLMsg* message = curl_multi_info_read(multi, &queued);
    if (message != nullptr && message->msg == CURLMSG_DONE) return message->data.result;
    deadline.check_cancelled();
    const auto left = std::min(deadline.left(), std::chrono::milliseconds{extra == 0 ? 100 : 1000});
    if (left.count() == 0) return CURLE_OPERATION_TIMEDOUT;
    if (rc == CURLM_OK)
      rc = curl_multi_poll(multi, &cancel, extra, static_cast<int>(left.count()), nullptr);
    if (rc != CURLM_OK)
      throw Error(FBX_INTERNAL, fmt::format("libcurl failed: {}", curl_multi_strerror(rc)));
  }
}

void start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error(FBX_INTERNAL, "libcurl does not start");
}

}  // namespace

std::string HttpResponse::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string{} : found->second;
}

HttpResponse fetch(const HttpRequest& request, const Deadline& deadline) {
  start_libcurl();
  const Multi multi(curl_multi_init());
  const Easy handle(curl_easy_init());
  if (!multi || !handle) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  List headers;
  for (const HttpHeader& header : request.headers)
    add_header(headers, header.name, header.value.view());
  // libcurl 7.88 signs without it; S3 takes that, MinIO's admin API does not.
  if (request.s3 != nullptr && request.body.empty())
    add_header(headers, "x-amz-content-sha256", sha256_of_nothing);
  configure(handle.get(), request, headers);
  HttpResponse response;
  Receiver receiver{&response, request.most_bytes, false};
  std::array<char, CURL_ERROR_SIZE> detail{};
  set(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
  set(handle.get(), CURLOPT_WRITEFUNCTION, &on_body);
  set(handle.get(), CURLOPT_WRITEDATA, &receiver);
  set(handle.get(), CURLOPT_HEADERFUNCTION, &on_header);
  set(handle.get(), CURLOPT_HEADERDATA, &receiver);

  const Stopwatch watch;
  curl_multi_add_handle(multi.get(), handle.get());
  CURLcode code = CURLE_OK;
  try {
    code = drive(multi.get(), deadline);
  } catch (...) {
    curl_multi_remove_handle(multi.get(), handle.get());
    throw;
  }
  curl_multi_remove_handle(multi.get(), handle.get());
  response.ms = watch.ms();
  if (code != CURLE_OK && !receiver.full) fail(handle.get(), code, detail.data());
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &response.status);
  return response;
}

std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace fbx::common
