// SPDX-License-Identifier: Apache-2.0
// The host that a checked plugin sees: it grants little, forgets nothing and trusts nobody.
#pragma once

#include <fusebox/host.h>
#include <fusebox/plugin.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "util/cancel.hpp"

namespace fusebox::check {

struct Failure {
  fbx_rc rc = FBX_OK;
  std::string what;
  std::string hint;
};

// How one call ended.
struct Answer {
  fbx_rc rc = FBX_OK;
  std::string text;
  std::optional<Failure> failure;
  std::chrono::milliseconds took{0};
  bool wrote_after_refusal = false;  // the sink had said that it wants no more
};

struct CallOptions {
  std::optional<std::chrono::milliseconds> deadline = std::chrono::seconds(3);
  bool cancelled = false;                                 // from the start
  std::optional<std::chrono::milliseconds> cancel_after;  // or meanwhile
  std::optional<std::size_t> sink_takes;                  // bytes, and then it refuses with FBX_IO
  bool journal = false;                                   // there is one: checkpoint() works
};

class Bench;

// What an fbx_op is here. Kept for ever, so that a plugin that uses one too late meets a closed op.
struct Call {
  Call(Bench& b, const CallOptions& o) : bench(b), options(o) {}

  Bench& bench;
  CallOptions options;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::thread::id thread = std::this_thread::get_id();
  std::optional<util::CancelToken> cancel{std::in_place};  // none once the call is over
  std::optional<Failure> failure;
  bool open = true;
  bool refused = false;
  bool wrote_after_refusal = false;
  std::string text;
};

class Bench {
 public:
  // `programs` and `secrets`: those that the manifest and the settings allow.
  Bench(std::set<std::string> secrets, std::set<std::string> programs);

  using Body = std::function<fbx_rc(fbx_op*, fbx_sink)>;
  Answer call(const CallOptions& options, const Body& body);

  // The table as it is today; as an older host of the same major version would have it, cut after
  // cancel_fd; as a newer one would, with a function that nobody knows; and one that offers no
  // services.
  const fbx_host* host() const { return &full_; }
  const fbx_host* older_host() const;
  const fbx_host* newer_host() const;
  const fbx_host* bare_host() const { return &bare_; }

  // The value of any secret: made anew for each bench, so that it is found wherever it turns up.
  const std::string& canary() const { return canary_; }

  // What the plugin did. Not to be read while a call is in flight.
  struct Deeds {
    std::vector<std::string> said;  // logs, failures and progress, as they came
    std::vector<std::string> checkpoints;
    std::set<std::string> asked;            // secrets
    std::set<std::string> asked_unallowed;  // those that are not its to ask for
    std::map<std::string, std::string> put;
    std::vector<std::string> commands;  // as JSON
    std::vector<std::string> undeclared_programs;
    std::vector<std::string> offences;  // against the ABI: late calls, wrong threads
  };
  Deeds& deeds() { return deeds_; }
  std::mutex& mutex() { return mutex_; }
  const std::set<std::string>& secrets() const { return secrets_; }
  const std::set<std::string>& programs() const { return programs_; }

 private:
  std::string canary_;
  std::set<std::string> secrets_;
  std::set<std::string> programs_;
  fbx_host full_;
  fbx_host bare_;
  std::mutex mutex_;
  std::deque<Call> calls_;
  Deeds deeds_;
};

inline fbx_str to_str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(fbx_str text) {
  return text.ptr == nullptr ? std::string_view{}
                             : std::string_view{text.ptr, static_cast<std::size_t>(text.len)};
}

}  // namespace fusebox::check
