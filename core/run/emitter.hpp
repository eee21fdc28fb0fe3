// SPDX-License-Identifier: Apache-2.0
// Events of a run, redacted, one at a time.
#pragma once

#include "report/event.hpp"
#include "run/journal.hpp"

#include <boost/json/object.hpp>
#include <mutex>

namespace fusebox::run {

// Thread-safe.
class Emitter {
 public:
  // Both outlive it.
  Emitter(report::Reporter& reporter, const Redact& redact);
  // Redacts all but labels and names that come from the configuration.
  void emit(report::EventType type, boost::json::object data);

 private:
  std::mutex mutex_;
  report::Reporter& reporter_;
  const Redact& redact_;
};

}  // namespace fusebox::run
