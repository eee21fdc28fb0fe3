// SPDX-License-Identifier: Apache-2.0
#include "common/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace fbx::common {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds pause_between{200};

// The next number of a dotted version, or nothing.
std::optional<long> next_number(std::string_view& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text.front() == '.')
    text.remove_prefix(1);
  else
    text = {};
  return number;
}

}  // namespace

CheckFailed::CheckFailed(Retry retry, std::string what, std::string evidence, std::string remedy)
    : retry_(retry),
      finding_{Severity::error, std::move(what), std::move(evidence), std::move(remedy), {}} {}

CheckFailed cannot_connect(const std::string& who, std::string evidence) {
  return {Retry::yes, fmt::format("cannot connect to {}", who), std::move(evidence),
          "start the service (`fusebox up`), and check that host and port are its own"};
}

CheckFailed timed_out(const std::string& who, const Deadline& deadline, std::string doing) {
  return {Retry::yes,
          fmt::format("{} gave no answer in {}", who,
                      human_ms(static_cast<double>(deadline.span().count()))),
          std::move(doing),
          "look at the service's log (`fusebox logs`); if it is only slow, raise the probe's "
          "timeout"};
}

CheckFailed still_starting(const std::string& who, std::string evidence) {
  return {Retry::yes, fmt::format("{} is still starting", who), std::move(evidence),
          "wait a moment; `with = { wait = \"60s\" }` makes the step wait for it"};
}

std::chrono::milliseconds patience(const StepRequest& request) {
  return duration_at(request.with, "wait").value_or(milliseconds{0});
}

Result try_for(const Op& op, milliseconds wait, const std::function<Tried()>& attempt) {
  const Deadline patience(op, wait);
  std::string told;
  for (;;) {
    Tried last = attempt();
    if (last.retry == Retry::no || patience.passed()) return std::move(last.result.judge());
    const std::string& problem = last.result.findings().back().what;
    if (problem != told) op.log(Level::info, fmt::format("waiting: {}", problem));
    told = problem;
    patience.sleep(pause_between);
  }
}

Tried try_once(const Op& op, milliseconds limit, const std::string& where, const Attempt& attempt) {
  Tried out;
  std::string place = where;
  try {
    const Deadline deadline(op, limit);
    attempt(deadline, place, out.result);
  } catch (const ServiceDown& e) {
    out.retry = Retry::yes;
    out.result.summary(e.what());
    out.result.add({Severity::error, e.what(), "the runtime says so",
                    fmt::format("start it: `fusebox up`, then `fusebox logs {}`", e.service()),
                    e.service()});
  } catch (const CheckFailed& e) {
    out.retry = e.retry();
    Finding finding = e.finding();
    finding.where = place;
    out.result.summary(finding.what);
    out.result.add(std::move(finding));
  }
  out.result.changed(false);
  return out;
}

Probe::Probe(std::string_view context_json, std::string product, std::uint16_t usual_port)
    : context_(parse_context(context_json)),
      product_(std::move(product)),
      usual_port_(usual_port) {}

Endpoint Probe::locate(const Op& op) const { return resolve_endpoint(op, config(), usual_port_); }

std::string Probe::target() const { return endpoint_name(config(), usual_port_); }

std::string Probe::who(const Endpoint& endpoint) const {
  return fmt::format("{} at {}", product_, endpoint.text());
}

Secret Probe::secret_of(const Op& op, std::string_view key) const {
  const auto name = secret_at(config(), key);
  return name ? op.secret(*name) : Secret{};
}

std::string Probe::plan(Op&, std::string_view request_json) {
  const milliseconds wait = patience(parse_step_request(request_json));
  std::string action = fmt::format("check {} at {}: {}", product_, target(), intent());
  if (wait.count() > 0)
    action += fmt::format(" (waits up to {})", human_ms(static_cast<double>(wait.count())));
  return Result{}
      .summary(fmt::format("check {} at {}", product_, target()))
      .action(std::move(action))
      .changed(false)
      .json();
}

std::string Probe::run(Op& op, std::string_view request_json) {
  const StepRequest request = parse_step_request(request_json);
  if (request.verb != "check")
    throw Error(FBX_UNSUPPORTED, fmt::format("a probe has no verb \"{}\"", request.verb),
                "its only verb is check");
  const auto attempt = [&](const Deadline& deadline, std::string& where, Result& result) {
    const Endpoint endpoint = locate(op);
    where = endpoint.service.empty() ? endpoint.text() : endpoint.service;
    check(deadline, endpoint, result);
  };
  const milliseconds limit = need_duration(config(), "timeout");
  return try_for(op, patience(request), [&] { return try_once(op, limit, target(), attempt); })
      .json();
}

void Probe::judge_latency(double ms, const Endpoint& endpoint, Result& result) const {
  result.metric("latency_ms", ms, "ms");
  const auto most = duration_at(config(), "max_latency");
  if (most && ms > static_cast<double>(most->count()))
    result.add({Severity::warning, fmt::format("{} is slow", product_),
                fmt::format("answered in {}, more than {}", human_ms(ms),
                            human_ms(static_cast<double>(most->count()))),
                "see what loads the machine: `fusebox health -v`, `fusebox stats`",
                endpoint.text()});
}

void Probe::summarize(const std::string& version, double latency_ms, const Endpoint& endpoint,
                      Result& result) const {
  const auto& findings = result.findings();
  const auto worst =
      std::max_element(findings.begin(), findings.end(),
                       [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  std::string text = fmt::format("{}{}{} at {} answers in {}", product_, version.empty() ? "" : " ",
                                 version, endpoint.text(), human_ms(latency_ms));
  if (worst != findings.end() && worst->severity != Severity::info)
    text += fmt::format(", but {}", worst->what);
  result.summary(std::move(text));
}

bool version_at_least(std::string_view have, std::string_view want) {
  for (;;) {
    const auto wanted = next_number(want);
    if (!wanted) return true;
    const long got = next_number(have).value_or(0);
    if (got != *wanted) return got > *wanted;
  }
}

bool is_utc(std::string_view timezone) {
  constexpr std::array names{"UTC",      "Etc/UTC", "UCT",           "Etc/UCT",      "Universal",
                             "GMT",      "Etc/GMT", "GMT0",          "Etc/GMT0",     "Greenwich",
                             "Etc/Zulu", "Zulu",    "Etc/Universal", "Etc/Greenwich"};
  return std::find(names.begin(), names.end(), timezone) != names.end();
}

}  // namespace fbx::common
