// SPDX-License-Identifier: Apache-2.0
#include "run/emitter.hpp"

#include <utility>

namespace fusebox::run {

Emitter::Emitter(report::Reporter& reporter, const Redact& redact)
    : reporter_(reporter), redact_(redact) {}

void Emitter::emit(report::EventType type, boost::json::object data) {
  data = redacted_fields(data, redact_);
  const std::lock_guard lock(mutex_);
  reporter_.on_event({type, std::chrono::system_clock::now(), std::move(data)});
}

}  // namespace fusebox::run
