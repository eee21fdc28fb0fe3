// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "common/http_probe.hpp"
#include "expectation.hpp"

namespace fbx::http {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::Result;
using common::Retry;

namespace json = common::json;

// A URL taken apart. Its origin is all that texts may show: a query can hold a credential.
struct Url {
  std::string whole;
  Endpoint endpoint;
};

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

Url parse_url(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    throw Error(FBX_CONFIG, "url is not a URL", "write it as http://host:port/path");
  const std::string scheme = part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    throw Error(FBX_CONFIG, "url is not one of http or https", "write it as http://host:port/path");
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
    throw Error(FBX_CONFIG, "url holds a user or a password",
                "put it into headers: Authorization = \"Basic ${secret:NAME}\"");
  std::string host = part(url.get(), CURLUPART_HOST);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const int port = std::stoi(part(url.get(), CURLUPART_PORT));
  return {text, {std::move(host), static_cast<std::uint16_t>(port), {}}};
}

bool holds_secret(std::string_view text) {
  return text.find("${secret:") != std::string_view::npos;
}

}  // namespace

class ProbeHttp final : public common::Probe {
 public:
  explicit ProbeHttp(std::string_view context)
      : Probe(context, "HTTP", 80), expectation_(config()) {
    if (const auto url = common::text_at(config(), "url")) {
      if (config().contains("service") || config().contains("host") || config().contains("port"))
        throw Error(FBX_CONFIG, "url stands beside service, host or port",
                    "say where the server is in one of the two ways");
      url_ = parse_url(*url);
    }
    if (!common::need_boolean(config(), "redirects")) return;
    for (const auto& [name, value] : *common::object_at(config(), "headers"))
      if (holds_secret(value.as_string()))
        throw Error(FBX_CONFIG,
                    fmt::format("the header {} holds a secret, and redirects are followed",
                                std::string(name)),
                    "a redirect could carry it to another host: set redirects = false");
  }

 protected:
  std::string intent() const override {
    return fmt::format("{}, compare status, body and JSON", common::need_text(config(), "method"));
  }

  std::string target() const override { return url_ ? url_->endpoint.text() : Probe::target(); }

  Endpoint locate(const Op& op) const override { return url_ ? url_->endpoint : Probe::locate(op); }

  void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) override {
    const std::string name = fmt::format("{} at {}", context().instance, endpoint.text());
    const common::HttpResponse response =
        common::ask_http(request(deadline.op(), endpoint), deadline, name);
    judge_latency(response.ms, endpoint, result);
    result.metric("status", static_cast<std::int64_t>(response.status), "");
    if (const auto wrong = expectation_.compare(response))
      throw CheckFailed(Retry::yes, fmt::format("{} {}", name, wrong->what), wrong->evidence,
                        wrong->remedy);
    if (result.findings().empty())
      result.summary(
          fmt::format("{} answers {} in {}", name, response.status, common::human_ms(response.ms)));
    else
      result.summary(result.findings().front().what);
  }

 private:
  common::HttpRequest request(const Op& op, const Endpoint& endpoint) const {
    common::HttpRequest request;
    request.method = common::need_text(config(), "method");
    request.url = url_ ? url_->whole
                       : endpoint.url(common::need_boolean(config(), "tls") ? "https" : "http") +
                             common::need_text(config(), "path");
    if (request.method == "POST") request.body = common::need_text(config(), "body");
    for (const auto& [name, value] : *common::object_at(config(), "headers"))
      request.headers.push_back({std::string(name), common::expand(op, value.as_string())});
    if (common::need_boolean(config(), "redirects")) request.redirects = common::Redirects::follow;
    if (!common::need_boolean(config(), "tls_verify")) request.tls_verify = common::TlsVerify::no;
    return request;
  }

  Expectation expectation_;
  std::optional<Url> url_;
};

}  // namespace fbx::http

FUSEBOX_PLUGIN(fbx::http::ProbeHttp)
