// SPDX-License-Identifier: Apache-2.0
#include "run/flight.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <mutex>
#include <random>

#include "util/clock.hpp"

namespace fusebox::run {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

milliseconds until(Clock::time_point time) {
  return std::chrono::ceil<milliseconds>(time - Clock::now());
}

// True when `fd` turned readable within `time`.
bool wait_readable(int fd, milliseconds time) {
  const auto end = Clock::now() + time;
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const auto left = std::clamp<std::int64_t>(until(end).count(), 0, 60'000);
    const int ready = ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (Clock::now() >= end) return false;
  }
}

milliseconds backoff(const Timings& timings, int attempt) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  milliseconds pause = timings.backoff_first;
  for (int i = 1; i < attempt && pause < timings.backoff_most; ++i) pause *= 2;
  pause = std::min(pause, timings.backoff_most);
  return milliseconds(std::uniform_int_distribution<std::int64_t>(pause.count() * 3 / 4,
                                                                  pause.count() * 5 / 4)(random));
}

Failure current_failure(const std::string& label) {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what(), error.hint()};
  } catch (const std::exception& error) {
    return {Errc::internal, fmt::format("{}: {}", label, error.what()),
            "this is a bug: report it with the run's journal"};
  } catch (...) {
    return {Errc::internal, fmt::format("{}: unknown exception", label),
            "this is a bug: report it with the run's journal"};
  }
}

}  // namespace

// ---- Waker ----

Waker::Waker() : pipe_(util::make_pipe()) {
  util::set_nonblocking(pipe_.read.get(), true);
  util::set_nonblocking(pipe_.write.get(), true);
}

void Waker::wake() const noexcept {
  const char byte = 0;
  // A full pipe has woken the sleeper already.
  [[maybe_unused]] const auto written = ::write(pipe_.write.get(), &byte, 1);
}

void Waker::wait(const Signals* signals, bool watch_cancel, Clock::time_point time) const {
  std::array<pollfd, 3> entries{};
  nfds_t count = 0;
  entries[count++] = {pipe_.read.get(), POLLIN, 0};
  if (signals != nullptr) {
    entries[count++] = {signals->leave.fd(), POLLIN, 0};
    if (watch_cancel) entries[count++] = {signals->cancel.fd(), POLLIN, 0};
  }
  const auto left = std::clamp<std::int64_t>(until(time).count(), 0, 60'000);
  ::poll(entries.data(), count, static_cast<int>(left));
  std::array<char, 64> drained{};
  while (::read(pipe_.read.get(), drained.data(), drained.size()) > 0) {
  }
}

// ---- Flight ----

struct Flight::Shared {
  Shared(plan::StepCaller& step_caller, FlightPlan flight_plan, FlightEvents flight_events,
         const Timings& step_timings, Clock::time_point end)
      : caller(step_caller),
        plan(std::move(flight_plan)),
        events(std::move(flight_events)),
        timings(step_timings),
        deadline(end) {}

  plan::StepCaller& caller;
  FlightPlan plan;
  FlightEvents events;
  Timings timings;
  Clock::time_point deadline;
  util::CancelToken token;
  std::mutex gate;
  bool open = true;

  // Runs `body` unless the flight was left behind.
  template <class Body>
  bool while_open(Body&& body) {
    const std::lock_guard lock(gate);
    if (open) body();
    return open;
  }

  plugin::CallContext context();
  json::object call(const plugin::CallContext& context) {
    switch (plan.call) {
      case FlightPlan::Call::prepare:
        caller.prepare(plan.instance, context);
        return {};
      case FlightPlan::Call::run:
        return caller.run(plan.instance, plan.request, context);
      case FlightPlan::Call::undo:
        return caller.undo(plan.instance, plan.request, context);
    }
    return {};
  }
};

plugin::CallContext Flight::Shared::context() {
  plugin::CallContext context;
  context.label = plan.label;
  context.deadline = deadline;
  context.cancel = &token;
  context.log = [this](plugin::LogLevel level, std::string_view line) {
    while_open([&] { events.log(level, line); });
  };
  context.progress = [this](const plugin::Progress& progress) {
    while_open([&] { events.progress(progress); });
  };
  if (!events.checkpoint) return context;
  context.checkpoint = [this](std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    if (error || !value.is_object())
      throw Error(Errc::argument,
                  fmt::format("{}: a checkpoint is not one JSON object", plan.label),
                  "this is a bug of the plugin");
    if (!while_open([&] { events.checkpoint(value.get_object()); }))
      throw Error(Errc::cancelled, fmt::format("{}: its run is over", plan.label));
  };
  return context;
}

json::object Flight::fly(Shared& shared) {
  const plugin::CallContext context = shared.context();
  for (int attempt = 1;; ++attempt) {
    try {
      return shared.call(context);
    } catch (const Error& error) {
      if (error.code() != Errc::unavailable || attempt > shared.plan.retries) throw;
      const milliseconds pause = backoff(shared.timings, attempt);
      if (Clock::now() + pause >= shared.deadline || shared.token.cancelled()) throw;
      shared.while_open([&] {
        shared.events.retrying(attempt, pause, {error.code(), error.what(), error.hint()});
      });
      if (wait_readable(shared.token.fd(), pause)) throw;
    }
  }
}

Flight::Flight(plan::StepCaller& caller, FlightPlan plan, FlightEvents events,
               const Timings& timings, std::shared_ptr<Waker> waker)
    : begun_(Clock::now()),
      deadline_(begun_ + (plan.timeout.count() > 0 ? plan.timeout : timings.default_timeout)),
      cancel_at_(deadline_ + timings.grace / 10),
      grace_(timings.grace),
      give_up_(deadline_ + grace_),
      shared_(
          std::make_shared<Shared>(caller, std::move(plan), std::move(events), timings, deadline_)),
      task_([shared = shared_] { return fly(*shared); },
            [waker = std::move(waker)] { waker->wake(); }) {}

bool Flight::done() const { return task_.done(); }

void Flight::stop(Stop why) {
  if (stop_ != Stop::none) return;
  stop_ = why;
  give_up_ = Clock::now() + grace_;
  shared_->token.cancel();
}

Clock::time_point Flight::due() const { return stop_ == Stop::none ? cancel_at_ : give_up_; }

bool Flight::tick(Clock::time_point now) {
  if (stop_ == Stop::none && now >= cancel_at_) stop(Stop::deadline);
  if (stop_ != Stop::none && now >= give_up_) leave();
  return !left_;
}

void Flight::leave() {
  const std::lock_guard lock(shared_->gate);
  shared_->open = false;
  left_ = true;
}

FlightResult Flight::take() {
  FlightResult flown;
  flown.duration = std::chrono::duration_cast<milliseconds>(Clock::now() - begun_);
  if (left_) {
    flown.abandoned = true;
    flown.failure = abandoned_failure();
    return flown;
  }
  try {
    flown.result = task_.take();
  } catch (...) {
    flown.failure = current_failure(shared_->plan.label);
  }
  if (flown.failure && stop_ == Stop::deadline && flown.failure->code == Errc::cancelled)
    flown.failure->code = Errc::timeout;
  return flown;
}

Failure Flight::abandoned_failure() const {
  const std::string who =
      fmt::format("{} (instance \"{}\")", shared_->plan.label, shared_->plan.instance);
  const std::string grace = util::human_duration(grace_);
  if (stop_ == Stop::deadline)
    return {Errc::timeout,
            fmt::format(
                "{} did not end within its deadline of {}, nor {} later", who,
                util::human_duration(std::chrono::duration_cast<milliseconds>(deadline_ - begun_)),
                grace),
            "raise the step's timeout if it only needs longer; a plugin that ignores its deadline "
            "has a bug"};
  if (stop_ == Stop::none)
    return {
        Errc::cancelled, fmt::format("{} was still running when the waiting was stopped", who), {}};
  return {Errc::cancelled,
          fmt::format("{} did not end within {} of being told to stop", who, grace),
          "a plugin that ignores cancellation has a bug: report it to its author"};
}

}  // namespace fusebox::run
