// SPDX-License-Identifier: Apache-2.0
#include "common/docker/engine.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "common/docker/unreachable.hpp"
#include "common/http.hpp"
#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::docker {

namespace {

using common::url_encode;

// The newest version of the API that this code was written for, and the oldest it can do with.
constexpr std::pair newest_api{1, 47};
constexpr std::pair oldest_api{1, 40};

fbx_rc rc_of(long status) {
  switch (status) {
    case 401:
    case 403:
      return FBX_DENIED;
    case 404:
      return FBX_NOT_FOUND;
    case 409:
      return FBX_CONFLICT;
    case 501:
      return FBX_UNSUPPORTED;
    case 503:
      return FBX_UNAVAILABLE;
    default:
      return FBX_IO;
  }
}

std::pair<int, int> parse_api(std::string_view text) {
  std::pair<int, int> out{0, 0};
  const auto dot = std::min(text.find('.'), text.size());
  std::from_chars(text.data(), text.data() + dot, out.first);
  if (dot < text.size())
    std::from_chars(text.data() + dot + 1, text.data() + text.size(), out.second);
  return out;
}

std::string query_of(const Filters& filters) {
  json::object object;
  for (const auto& [key, values] : filters) object[key] = json::array(values.begin(), values.end());
  return "filters=" + url_encode(json::serialize(object));
}

// More patience for one request.
class Longer {
 public:
  Longer(std::chrono::milliseconds& patience, std::chrono::milliseconds more)
      : patience_(patience), before_(patience) {
    patience_ += more;
  }
  ~Longer() { patience_ = before_; }
  Longer(const Longer&) = delete;
  Longer& operator=(const Longer&) = delete;

 private:
  std::chrono::milliseconds& patience_;
  std::chrono::milliseconds before_;
};

common::WipedText body_of(const json::value& value) {
  return value.is_null() ? common::WipedText{} : common::WipedText(json::serialize(value));
}

}  // namespace

Filters of_project(std::string_view project) {
  return {{"label", {fmt::format("{}={}", label::project, project)}}};
}

EngineError::EngineError(long status, std::string what, std::string hint)
    : Error(rc_of(status), std::move(what), std::move(hint)), status_(status) {}

Afterwards::Afterwards(const Op& op) : host_(*op.host()), op_(&host_, op.raw()) {
  host_.cancelled = [](fbx_op*) -> std::int32_t { return 0; };
  host_.cancel_fd = [](fbx_op*) -> std::int32_t { return -1; };
  host_.remaining_ms = [](fbx_op*) -> std::int64_t { return 120000; };
}

Engine::Engine(const Op& op, Address address, std::chrono::milliseconds patience)
    : op_(&op), patience_(patience), transfers_(std::move(address)) {}

common::Deadline Engine::patience() const { return {*op_, patience_}; }

// ---- Asking -------------------------------------------------------------------------------------

const std::string& Engine::api() {
  if (!api_.empty()) return api_;
  Stream stream = transfers_.start({"GET", "/_ping"});
  await_answer(stream);
  const std::string said = stream.header("api-version");
  if (stream.status() != 200 && stream.status() != 500) check_status(stream);
  const auto theirs = parse_api(said);
  if (theirs.first == 0)
    throw Error(FBX_IO, fmt::format("what answers at {} is no Docker engine", address().url),
                "check the address: " + address().source);
  if (theirs < oldest_api)
    throw Error(FBX_UNSUPPORTED,
                fmt::format("{} speaks only version {} of its API", engine_at(address()), said),
                "fusebox needs 1.40: update to Docker Engine 19.03 or newer");
  const auto used = std::min(theirs, std::pair<int, int>(newest_api));
  api_ = fmt::format("/v{}.{}", used.first, used.second);
  return api_;
}

bool Engine::speaks(int major, int minor) {
  return parse_api(std::string_view(api()).substr(2)) >= std::pair(major, minor);
}

Stream Engine::start_call(std::string_view method, std::string_view path, common::WipedText body,
                          std::optional<std::string> upload) {
  std::string versioned = fmt::format("{}{}", api(), path);
  return transfers_.start(
      {std::string(method), std::move(versioned), std::move(body), std::move(upload)});
}

void Engine::await_answer(Stream& stream) {
  const common::Deadline deadline = patience();
  while (!stream.answered() && !stream.ended()) {
    if (deadline.passed())
      throw Error(FBX_TIMEOUT,
                  fmt::format("{} did not answer {} within {}", engine_at(address()), stream.what(),
                              common::human_ms(static_cast<double>(deadline.span().count()))),
                  "see whether the engine is busy or hangs: docker info");
    transfers_.turn(deadline);
  }
  stream.check();
}

std::string Engine::read_all(Stream& stream) {
  std::string out;
  common::Deadline deadline = patience();
  for (;;) {
    if (const auto bytes = stream.bytes(); !bytes.empty()) {
      out.append(bytes);
      stream.consume(bytes.size());
      deadline = patience();
    } else if (stream.ended()) {
      stream.check();
      return out;
    } else if (deadline.passed()) {
      throw Error(FBX_TIMEOUT,
                  fmt::format("{} stopped in the middle of its answer to {}", engine_at(address()),
                              stream.what()),
                  "see whether the engine is busy or hangs: docker info");
    } else {
      transfers_.turn(deadline);
    }
  }
}

void Engine::check_status(Stream& stream) {
  if (stream.status() < 400) return;
  const std::string body = read_all(stream);
  std::string message;
  json::error_code error;
  const json::value parsed = json::parse(body, error);
  if (!error && parsed.is_object())
    message = common::text_at(parsed.get_object(), "message").value_or("");
  if (message.empty()) message = fmt::format("status {}", stream.status());
  const std::string what =
      fmt::format("the engine refuses {}: {}", stream.what(), common::one_line(message));
  throw EngineError(stream.status(), what,
                    stream.status() >= 500 ? "the engine's own log says more" : "");
}

json::value Engine::ask(std::string_view method, std::string_view path, common::WipedText body) {
  Stream stream = start_call(method, path, std::move(body), std::nullopt);
  await_answer(stream);
  check_status(stream);
  const std::string text = read_all(stream);
  if (text.empty()) return nullptr;
  json::error_code error;
  json::value value = json::parse(text, error);
  if (error)
    throw Error(FBX_IO,
                fmt::format("the answer of {} to {} is not JSON: {}", engine_at(address()),
                            stream.what(), error.message()),
                "is it a Docker engine that answers at this address?");
  return value;
}

json::value Engine::get(std::string_view path) { return ask("GET", path, {}); }

json::value Engine::post(std::string_view path, const json::value& body) {
  return ask("POST", path, body_of(body));
}

json::value Engine::post_raw(std::string_view path, common::WipedText body) {
  return ask("POST", path, std::move(body));
}

void Engine::remove(std::string_view path) { ask("DELETE", path, {}); }

Stream Engine::open(std::string_view method, std::string_view path,
                    std::optional<std::string> upload) {
  const bool uploads = upload.has_value();
  Stream stream = start_call(method, path, {}, std::move(upload));
  if (uploads) return stream;
  await_answer(stream);
  check_status(stream);
  return stream;
}

// ---- Questions ----------------------------------------------------------------------------------

void Engine::ping() { api(); }

Version Engine::version() { return read_version(get("/version")); }

Info Engine::info() { return read_info(get("/info")); }

std::vector<Container> Engine::containers(const Filters& filters, All all) {
  return read_containers(
      get(fmt::format("/containers/json?all={}&{}", all == All::yes ? 1 : 0, query_of(filters))));
}

ContainerDetails Engine::inspect(std::string_view id) {
  return read_details(get(fmt::format("/containers/{}/json", url_encode(id))));
}

std::vector<ContainerDetails> Engine::inspect(const std::vector<Container>& containers) {
  std::vector<Stream> streams;
  streams.reserve(containers.size());
  for (const Container& container : containers)
    streams.push_back(
        start_call("GET", fmt::format("/containers/{}/json", container.id), {}, std::nullopt));
  std::vector<ContainerDetails> out;
  for (Stream& stream : streams) {
    await_answer(stream);
    if (stream.status() == 404) continue;
    check_status(stream);
    json::error_code error;
    const json::value value = json::parse(read_all(stream), error);
    if (error)
      throw Error(FBX_IO, fmt::format("the engine's answer to {} is not JSON", stream.what()),
                  "is it a Docker engine that answers at this address?");
    out.push_back(read_details(value));
  }
  return out;
}

std::optional<Image> Engine::image(std::string_view reference) {
  try {
    return read_image(get(fmt::format("/images/{}/json", url_encode(reference))));
  } catch (const EngineError& e) {
    if (e.status() == 404) return std::nullopt;
    throw;
  }
}

namespace {

std::vector<Volume> volumes_in(const json::value& answer) {
  std::vector<Volume> out;
  const auto* object = answer.if_object();
  if (object == nullptr) return out;
  if (const json::array* list = common::array_at(*object, "Volumes"))
    for (const json::value& item : *list) out.push_back(read_volume(item));
  return out;
}

}  // namespace

std::vector<Volume> Engine::volumes(const Filters& filters) {
  return volumes_in(get("/volumes?" + query_of(filters)));
}

std::optional<Volume> Engine::volume(std::string_view name) {
  try {
    return read_volume(get("/volumes/" + url_encode(name)));
  } catch (const EngineError& e) {
    if (e.status() == 404) return std::nullopt;
    throw;
  }
}

std::vector<Volume> Engine::measured_volumes() {
  // The engine walks through all files of all volumes.
  const Longer longer(patience_, std::chrono::minutes{10});
  return volumes_in(get(speaks(1, 42) ? "/system/df?type=volume" : "/system/df"));
}

std::vector<Network> Engine::networks(const Filters& filters) {
  const json::value answer = get("/networks?" + query_of(filters));
  std::vector<Network> out;
  if (const auto* list = answer.if_array())
    for (const json::value& item : *list) out.push_back(read_network(item));
  return out;
}

// ---- Effects ------------------------------------------------------------------------------------

namespace {

// `body` throws EngineError; false when its status is `already`.
template <class Body>
bool unless(long already, Body&& body) {
  try {
    body();
    return true;
  } catch (const EngineError& e) {
    if (e.status() == already) return false;
    throw;
  }
}

}  // namespace

bool Engine::start(std::string_view id) {
  Stream stream =
      start_call("POST", fmt::format("/containers/{}/start", url_encode(id)), {}, std::nullopt);
  await_answer(stream);
  check_status(stream);
  return stream.status() != 304;
}

bool Engine::stop(std::string_view id, std::optional<std::chrono::seconds> grace) {
  // The engine answers only when the container has stopped: as long as that may take.
  constexpr std::chrono::seconds usual_grace{10};
  const Longer longer(patience_, grace.value_or(usual_grace));
  std::string path = fmt::format("/containers/{}/stop", url_encode(id));
  if (grace) path += fmt::format("?t={}", grace->count());
  Stream stream = start_call("POST", path, {}, std::nullopt);
  await_answer(stream);
  check_status(stream);
  return stream.status() != 304;
}

bool Engine::remove_container(std::string_view id) {
  return unless(404, [&] { remove(fmt::format("/containers/{}?force=1&v=1", url_encode(id))); });
}

bool Engine::remove_volume(std::string_view name) {
  return unless(404, [&] { remove("/volumes/" + url_encode(name)); });
}

bool Engine::remove_image(std::string_view reference) {
  return unless(404, [&] { remove("/images/" + url_encode(reference)); });
}

void Engine::tag(std::string_view id, std::string_view reference) {
  const std::string tag = tag_of(reference);
  const std::string_view repo =
      reference.substr(0, reference.size() - (tag.empty() ? 0 : tag.size() + 1));
  post(fmt::format("/images/{}/tag?repo={}&tag={}", url_encode(id), url_encode(repo),
                   tag.empty() ? "latest" : tag));
}

}  // namespace fbx::docker
