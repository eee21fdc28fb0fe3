// SPDX-License-Identifier: Apache-2.0
#include "common/docker/transfer.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <vector>

#include "common/docker/unreachable.hpp"
#include "common/pipe_signal.hpp"

namespace fbx::docker {

namespace {

// A reader that lags this far behind stops the engine from sending more.
constexpr std::size_t most_buffered = std::size_t{1} << 20U;
constexpr std::size_t most_fed = std::size_t{1} << 18U;

struct CloseEasy {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct CloseMulti {
  void operator()(CURLM* handle) const noexcept {
    const common::PipeSignalGuard guard;  // TLS says goodbye, perhaps to nobody
    curl_multi_cleanup(handle);
  }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;
using Multi = std::unique_ptr<CURLM, CloseMulti>;
using List = std::unique_ptr<curl_slist, FreeList>;

void start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw Error(FBX_INTERNAL, "libcurl does not start");
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode rc = curl_easy_setopt(handle, option, value);
  if (rc != CURLE_OK)
    throw Error(FBX_INTERNAL, fmt::format("libcurl refused an option: {}", curl_easy_strerror(rc)),
                "fusebox needs libcurl 7.85 or newer, with TLS");
}

void set_address(CURL* handle, const Address& address, const std::string& path) {
  set(handle, CURLOPT_URL, (base_url(address) + path).c_str());
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_NOPROXY, "*");
  set(handle, CURLOPT_NOSIGNAL, 1L);
  if (address.local()) set(handle, CURLOPT_UNIX_SOCKET_PATH, address.socket.c_str());
  set_tls(handle, address);
}

}  // namespace

struct Stream::State {
  Call call;
  std::string what;
  Address address;  // for errors
  std::shared_ptr<CURLM> multi;
  bool* activity = nullptr;
  List headers_out;
  std::array<char, CURL_ERROR_SIZE> detail{};
  Easy handle;

  std::map<std::string, std::string> headers;
  long status = 0;
  bool answered = false;
  bool ended = false;
  CURLcode result = CURLE_OK;

  std::string in;
  std::size_t consumed = 0;
  bool in_paused = false;

  std::string out;
  std::size_t sent = 0;
  bool out_paused = false;
  bool out_done = false;

  ~State() {
    const common::PipeSignalGuard guard;  // TLS says goodbye, perhaps to nobody
    if (handle) curl_multi_remove_handle(multi.get(), handle.get());
    handle.reset();
  }
};

namespace {

std::size_t on_head(char* data, std::size_t, std::size_t size, void* context) {
  auto& state = *static_cast<Stream::State*>(context);
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    state.headers.clear();
    const auto space = line.find(' ');
    state.status = 0;
    if (space != std::string_view::npos)
      std::from_chars(line.data() + space + 1, line.data() + line.size(), state.status);
  } else if (line.empty()) {
    state.answered = state.status >= 200;
    *state.activity = true;
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto start = line.find_first_not_of(' ', colon + 1);
    state.headers[name] = start == std::string_view::npos ? "" : line.substr(start);
  }
  return size;
}

std::size_t on_bytes(char* data, std::size_t, std::size_t size, void* context) {
  auto& state = *static_cast<Stream::State*>(context);
  *state.activity = true;
  if (state.in.size() - state.consumed >= most_buffered) {
    state.in_paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  state.in.append(data, size);
  return size;
}

std::size_t on_upload(char* buffer, std::size_t, std::size_t room, void* context) {
  auto& state = *static_cast<Stream::State*>(context);
  const std::size_t count = std::min(room, state.out.size() - state.sent);
  if (count == 0) {
    if (state.out_done) return 0;
    state.out_paused = true;
    return CURL_READFUNC_PAUSE;
  }
  state.out.copy(buffer, count, state.sent);
  state.sent += count;
  if (state.sent == state.out.size()) {
    state.out.clear();
    state.sent = 0;
  }
  *state.activity = true;
  return count;
}

void resume(Stream::State& state) {
  if (state.ended || state.in_paused || state.out_paused) return;
  const common::PipeSignalGuard guard;
  curl_easy_pause(state.handle.get(), CURLPAUSE_CONT);
}

}  // namespace

Stream::Stream(std::unique_ptr<State> state) : state_(std::move(state)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

bool Stream::answered() const { return state_->answered; }
long Stream::status() const { return state_->status; }
std::string Stream::header(const std::string& lower_case_name) const {
  const auto found = state_->headers.find(lower_case_name);
  return found == state_->headers.end() ? std::string{} : found->second;
}

std::string_view Stream::bytes() const {
  return std::string_view(state_->in).substr(state_->consumed);
}

void Stream::consume(std::size_t count) {
  State& state = *state_;
  state.consumed += std::min(count, state.in.size() - state.consumed);
  if (state.consumed == state.in.size() || state.consumed >= most_buffered) {
    state.in.erase(0, state.consumed);
    state.consumed = 0;
  }
  if (!state.in_paused || state.in.size() - state.consumed >= most_buffered / 2) return;
  state.in_paused = false;
  resume(state);
}

bool Stream::ended() const { return state_->ended; }

void Stream::check() const {
  if (!state_->ended || state_->result == CURLE_OK) return;
  long number = 0;
  curl_easy_getinfo(state_->handle.get(), CURLINFO_OS_ERRNO, &number);
  throw_unreachable(state_->address, state_->result, static_cast<int>(number),
                    state_->detail.data(), state_->what);
}

bool Stream::hungry() const {
  return !state_->ended && !state_->out_done && state_->out.size() - state_->sent < most_fed;
}

void Stream::feed(std::string_view bytes) {
  state_->out.append(bytes);
  if (!state_->out_paused) return;
  state_->out_paused = false;
  resume(*state_);
}

void Stream::finish() {
  state_->out_done = true;
  if (!state_->out_paused) return;
  state_->out_paused = false;
  resume(*state_);
}

const std::string& Stream::what() const { return state_->what; }

struct Transfers::State {
  Address address;
  std::shared_ptr<CURLM> multi;
  bool activity = false;
};

Transfers::Transfers(Address address) : state_(std::make_unique<State>()) {
  start_libcurl();
  state_->address = std::move(address);
  state_->multi = std::shared_ptr<CURLM>(curl_multi_init(), CloseMulti{});
  if (!state_->multi) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
}
Transfers::Transfers(Transfers&&) noexcept = default;
Transfers& Transfers::operator=(Transfers&&) noexcept = default;
Transfers::~Transfers() = default;

const Address& Transfers::address() const { return state_->address; }

Stream Transfers::start(Call call) {
  check_socket(state_->address);
  auto stream = std::make_unique<Stream::State>();
  Stream::State& s = *stream;
  s.call = std::move(call);
  s.what = fmt::format("{} {}", s.call.method, s.call.path.substr(0, s.call.path.find('?')));
  s.address = state_->address;
  s.multi = state_->multi;
  s.activity = &state_->activity;
  Easy handle(curl_easy_init());
  if (!handle) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
  CURL* const curl = handle.get();
  set_address(curl, s.address, s.call.path);
  set(curl, CURLOPT_CUSTOMREQUEST, s.call.method.c_str());
  set(curl, CURLOPT_USERAGENT, "fusebox");
  // Without an "Expect: 100-continue", which would cost a round trip.
  std::vector<std::string> lines = {"Expect:"};
  if (s.call.upload) {
    lines.push_back("Content-Type: " + *s.call.upload);
    set(curl, CURLOPT_UPLOAD, 1L);
    set(curl, CURLOPT_READFUNCTION, &on_upload);
    set(curl, CURLOPT_READDATA, &s);
  } else if (s.call.method == "POST" || s.call.method == "PUT" || !s.call.body.empty()) {
    lines.emplace_back("Content-Type: application/json");
    set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(s.call.body.size()));
    set(curl, CURLOPT_POSTFIELDS, s.call.body.empty() ? "" : s.call.body.view().data());
  }
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(s.headers_out.get(), line.c_str());
    if (longer == nullptr) throw Error(FBX_NOMEM, "out of memory", "free some and try again");
    static_cast<void>(s.headers_out.release());
    s.headers_out.reset(longer);
  }
  set(curl, CURLOPT_HTTPHEADER, s.headers_out.get());
  set(curl, CURLOPT_ERRORBUFFER, s.detail.data());
  set(curl, CURLOPT_HEADERFUNCTION, &on_head);
  set(curl, CURLOPT_HEADERDATA, &s);
  set(curl, CURLOPT_WRITEFUNCTION, &on_bytes);
  set(curl, CURLOPT_WRITEDATA, &s);
  set(curl, CURLOPT_PRIVATE, &s);
  s.handle = std::move(handle);
  curl_multi_add_handle(s.multi.get(), curl);
  return Stream(std::move(stream));
}

void Transfers::turn(const common::Deadline& deadline, std::chrono::milliseconds most) {
  CURLM* const multi = state_->multi.get();
  state_->activity = false;
  int running = 0;
  CURLMcode rc = CURLM_OK;
  {
    const common::PipeSignalGuard guard;  // TLS writes without asking for no signal
    rc = curl_multi_perform(multi, &running);
  }
  int queued = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    Stream::State* stream = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
    stream->result = message->data.result;
    stream->ended = true;
    state_->activity = true;
  }
  deadline.check_cancelled();
  if (state_->activity) return;
  curl_waitfd cancel{deadline.op().cancel_fd(), CURL_WAIT_POLLIN, 0};
  const unsigned extra = cancel.fd < 0 ? 0 : 1;
  const auto slice = extra == 0 ? std::chrono::milliseconds{100} : most;
  const auto wait = std::min({deadline.left(), most, slice});
  if (rc == CURLM_OK)
    rc = curl_multi_poll(multi, &cancel, extra, static_cast<int>(wait.count()), nullptr);
  if (rc != CURLM_OK)
    throw Error(FBX_INTERNAL, fmt::format("libcurl failed: {}", curl_multi_strerror(rc)));
  deadline.check_cancelled();
}

}  // namespace fbx::docker
