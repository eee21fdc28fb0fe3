// SPDX-License-Identifier: Apache-2.0
#include "run/observer.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "report/reporter.hpp"
#include "util/cancel.hpp"
#include "util/clock.hpp"

namespace fusebox::run {

namespace {

using Clock = std::chrono::steady_clock;
using report::EventType;

// Past this many untold events those that may be missed are dropped.
constexpr std::size_t far_behind = 256;

bool may_be_missed(EventType type) {
  return type == EventType::step_log || type == EventType::step_progress;
}

}  // namespace

// The thread shares its state, so that it can be left behind when its plugin hangs.
class ObserverReporter::Observer {
 public:
  Observer(std::string instance, Send send, Warn warn, std::chrono::milliseconds patience)
      : state_(std::make_shared<State>()) {
    state_->instance = std::move(instance);
    state_->send = std::move(send);
    state_->warn = std::move(warn);
    state_->patience = patience;
    thread_ = std::thread([state = state_] { work(*state); });
  }
  ~Observer() {
    if (is_idle())
      thread_.join();
    else
      thread_.detach();
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  void tell(EventType type, const std::string& text) {
    const std::lock_guard lock(state_->mutex);
    if (state_->given_up || (state_->queue.size() >= far_behind && may_be_missed(type))) return;
    state_->queue.push_back(text);
    state_->changed.notify_all();
  }
  void close() {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    state_->changed.notify_all();
  }
  // Waits until all is told; asks a call that takes longer to end, and says so.
  void wait_until(Clock::time_point time) {
    std::unique_lock lock(state_->mutex);
    if (state_->changed.wait_until(lock, time, [this] { return state_->ended; })) return;
    state_->cancel.cancel();
    if (state_->changed.wait_for(lock, state_->patience / 4, [this] { return state_->ended; }))
      return;
    const bool told = std::exchange(state_->given_up, true);
    lock.unlock();
    if (!told)
      state_->warn(fmt::format("observer \"{}\" did not take all events within {}",
                               state_->instance, util::human_duration(state_->patience)));
  }

 private:
  struct State {
    std::string instance;
    Send send;
    Warn warn;
    std::chrono::milliseconds patience{0};
    util::CancelToken cancel;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> queue;
    bool closed = false;
    bool given_up = false;
    bool ended = false;
  };

  bool is_idle() const {
    const std::lock_guard lock(state_->mutex);
    return state_->ended;
  }

  static void work(State& state) {
    std::unique_lock lock(state.mutex);
    while (!state.given_up) {
      state.changed.wait(lock, [&] { return state.closed || !state.queue.empty(); });
      if (state.queue.empty()) break;
      const std::string text = std::move(state.queue.front());
      state.queue.pop_front();
      lock.unlock();
      const std::string failure = send(state, text);
      lock.lock();
      if (failure.empty() || std::exchange(state.given_up, true)) continue;
      lock.unlock();
      state.warn(failure);
      lock.lock();
    }
    state.queue.clear();
    state.ended = true;
    state.changed.notify_all();
  }

  // "" when the observer took it.
  static std::string send(State& state, const std::string& text) {
    plugin::CallContext context;
    context.label = state.instance;
    context.deadline = Clock::now() + state.patience;
    context.cancel = &state.cancel;
    context.log = [](plugin::LogLevel, std::string_view) {};
    context.progress = [](const plugin::Progress&) {};
    try {
      state.send(state.instance, text, context);
    } catch (const std::exception& error) {
      return fmt::format("observer \"{}\" failed and is told no more: {}", state.instance,
                         error.what());
    }
    if (Clock::now() <= *context.deadline) return {};
    return fmt::format("observer \"{}\" took longer than {} for an event and is told no more",
                       state.instance, util::human_duration(state.patience));
  }

  std::shared_ptr<State> state_;
  std::thread thread_;
};

ObserverReporter::ObserverReporter(const std::vector<std::string>& instances, Send send, Warn warn,
                                   std::chrono::milliseconds patience)
    : patience_(patience) {
  for (const std::string& instance : instances)
    observers_.push_back(std::make_unique<Observer>(instance, send, warn, patience));
}

ObserverReporter::~ObserverReporter() {
  for (const auto& observer : observers_) observer->close();
  const auto end = Clock::now() + patience_;
  for (const auto& observer : observers_) observer->wait_until(end);
}

void ObserverReporter::on_event(const report::Event& event) {
  if (observers_.empty()) return;
  const std::string text = report::to_json(event);
  for (const auto& observer : observers_) observer->tell(event.type, text);
}

}  // namespace fusebox::run
