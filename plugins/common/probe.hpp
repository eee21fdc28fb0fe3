// SPDX-License-Identifier: Apache-2.0
// What all probes have in common: the verb `check`, its waiting, its result.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "common/deadline.hpp"
#include "common/endpoint.hpp"
#include "common/json.hpp"
#include "common/result.hpp"

namespace fbx::common {

// Would the same question have another answer in a moment?
enum class Retry { no, yes };

// The check ends here, with this error. Retry::yes for a server that is down, starting or slow.
class CheckFailed : public std::exception {
 public:
  CheckFailed(Retry retry, std::string what, std::string evidence, std::string remedy);
  Retry retry() const { return retry_; }
  const Finding& finding() const { return finding_; }
  const char* what() const noexcept override { return finding_.what.c_str(); }

 private:
  Retry retry_;
  Finding finding_;
};

// The three that every server has. `who`: "PostgreSQL at 127.0.0.1:5432".
CheckFailed cannot_connect(const std::string& who, std::string evidence);
CheckFailed timed_out(const std::string& who, const Deadline& deadline, std::string doing);
CheckFailed still_starting(const std::string& who, std::string evidence);

// One attempt: adds findings and metrics, sets the summary, or throws CheckFailed or ServiceDown.
// `where` names the place for a finding that is made of what is thrown; it may be put right on the
// way.
using Attempt = std::function<void(const Deadline& deadline, std::string& where, Result& result)>;

// How an attempt ended: what it threw has become a finding.
struct Tried {
  Result result;
  Retry retry = Retry::no;
};
Tried try_once(const Op& op, std::chrono::milliseconds limit, const std::string& where,
               const Attempt& attempt);

// Tries until it went well, trying again cannot help, or `wait` is over. The last result, judged.
Result try_for(const Op& op, std::chrono::milliseconds wait, const std::function<Tried()>& attempt);

// The option `wait` of a step; none is 0.
std::chrono::milliseconds patience(const StepRequest& request);

// A probe's `check` answers FBX_OK with a status, also for a server that is down, hangs or refuses
// the password; an error of the ABI means a wrong configuration or a cancel. With the option
// `wait`, it tries again until the server is healthy or the time is over, as long as trying again
// can help.
class Probe : public Plugin, public Step {
 public:
  std::string plan(Op& op, std::string_view request) final;
  std::string run(Op& op, std::string_view request) final;

 protected:
  // `product`: the server's name for people.
  Probe(std::string_view context_json, std::string product, std::uint16_t usual_port);

  // One attempt: adds findings and metrics, sets the summary, or throws CheckFailed.
  virtual void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) = 0;

  // What plan() says that check() will do, after the server's name: "log in, run a query, ...".
  virtual std::string intent() const = 0;

  // Where to look. The default follows `service`, `host` and `port`.
  virtual Endpoint locate(const Op& op) const;
  virtual std::string target() const;

  const Context& context() const { return context_; }
  const json::object& config() const { return context_.config; }
  const std::string& product() const { return product_; }
  std::string who(const Endpoint& endpoint) const;

  // The secret that the setting `key` refers to; empty when it is not set.
  Secret secret_of(const Op& op, std::string_view key) const;

  // Adds the metric latency_ms, and a warning when it is above the setting max_latency.
  void judge_latency(double ms, const Endpoint& endpoint, Result& result) const;

  // "PostgreSQL 15.18 at 127.0.0.1:5432 answers in 0.8 ms", unless a finding says more.
  void summarize(const std::string& version, double latency_ms, const Endpoint& endpoint,
                 Result& result) const;

 private:
  Context context_;
  std::string product_;
  std::uint16_t usual_port_;
};

// Compares dotted numbers: "15.18 (Debian 15.18-1)" is at least "15". What is not a number ends
// the comparison.
bool version_at_least(std::string_view have, std::string_view want);

// UTC under one of its names.
bool is_utc(std::string_view timezone);

}  // namespace fbx::common
