// SPDX-License-Identifier: Apache-2.0
// An observer that posts events to a URL. libcurl is in the process, so the token is in no
// argument; the value is fetched for each post and wiped after it.
#include <fusebox/plugin.hpp>

#include <curl/curl.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace json = boost::json;

namespace {

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

// libcurl asks about once a second, and whenever something moves.
int stop_when_told(void* op, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<fbx::Op*>(op)->cancelled() ? 1 : 0;
}

class Headers {
 public:
  ~Headers() { curl_slist_free_all(list_); }
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  void add(const char* line) { list_ = curl_slist_append(list_, line); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

}  // namespace

class Webhook : public fbx::Plugin, public fbx::Observer {
 public:
  explicit Webhook(std::string_view context) {
    try {
      const auto config = json::parse(context).at("config").as_object();
      url_ = json::value_to<std::string>(config.at("url"));
      events_ = json::value_to<std::vector<std::string>>(config.at("events"));
      if (const auto* token = config.if_contains("token"))
        token_ = json::value_to<std::string>(token->at("$secret"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info webhook`");
    }
  }

  void event(fbx::Op& op, std::string_view text) override {
    const auto event = json::parse(text);
    const auto* type = event.is_object() ? event.get_object().if_contains("type") : nullptr;
    if (type == nullptr || !type->is_string())
      throw fbx::Error(FBX_ARGUMENT, "an event must be a JSON object with a text `type`");
    if (std::find(events_.begin(), events_.end(), std::string_view(type->get_string())) ==
        events_.end())
      return;
    op.check("posting an event");
    post(op, text);
  }

 private:
  void post(fbx::Op& op, std::string_view body) {
    const Curl curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) throw fbx::Error(FBX_NOMEM, "cannot prepare a request");
    Headers headers;
    headers.add("Content-Type: application/json");
    std::optional<fbx::Secret> token;
    if (!token_.empty()) {
      token = op.secret(token_);
      curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
      curl_easy_setopt(curl.get(), CURLOPT_XOAUTH2_BEARER, token->c_str());
    }
    const auto left = op.remaining().value_or(std::chrono::seconds(2));
    curl_easy_setopt(curl.get(), CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS,
                     std::max<long>(1, static_cast<long>(left.count())));
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &drop);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &stop_when_told);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &op);
    const CURLcode rc = curl_easy_perform(curl.get());
    if (rc == CURLE_ABORTED_BY_CALLBACK) op.check("posting an event");
    if (rc != CURLE_OK)
      throw fbx::Error(rc == CURLE_OPERATION_TIMEDOUT ? FBX_TIMEOUT : FBX_UNAVAILABLE,
                       std::string("cannot post to the webhook: ") + curl_easy_strerror(rc),
                       "is its receiver up, and `url` right?");
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status >= 400)
      throw fbx::Error(status == 401 || status == 403 ? FBX_DENIED : FBX_FAILED,
                       "the webhook answered " + std::to_string(status),
                       "look at its receiver's log");
  }

  std::string url_;
  std::string token_;  // the secret's name
  std::vector<std::string> events_;
};
FUSEBOX_PLUGIN(Webhook)
