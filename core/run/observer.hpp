// SPDX-License-Identifier: Apache-2.0
// Tells plugins that provide fusebox.observer/1 what happens.
#pragma once

#include "plugin/host.hpp"
#include "report/event.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fusebox::run {

// Passes every event on to each observer, on a thread of the observer's own, so that a slow one
// delays nobody. Each event may take `patience`; an observer that fails or takes longer is warned
// about once and told no more. One that falls behind misses log lines and progress. The destructor
// gives all observers together a last `patience` for what is still to be told.
class ObserverReporter : public report::Reporter {
 public:
  using Send = std::function<void(const std::string& instance, std::string_view event_json,
                                  const plugin::CallContext& context)>;
  using Warn = std::function<void(const std::string& text)>;

  // `send` and `warn` are called from several threads, and must stay valid until the process ends
  // when an observer does not come back.
  ObserverReporter(const std::vector<std::string>& instances, Send send, Warn warn,
                   std::chrono::milliseconds patience = std::chrono::seconds(2));
  ~ObserverReporter() override;
  ObserverReporter(const ObserverReporter&) = delete;
  ObserverReporter& operator=(const ObserverReporter&) = delete;

  void on_event(const report::Event& event) override;

 private:
  class Observer;
  std::chrono::milliseconds patience_;
  std::vector<std::unique_ptr<Observer>> observers_;
};

}  // namespace fusebox::run
