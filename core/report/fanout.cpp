// SPDX-License-Identifier: Apache-2.0
#include "report/reporter.hpp"

namespace fusebox::report {

void Fanout::on_event(const Event& event) {
  const std::lock_guard guard(mutex_);
  for (const auto& reporter : reporters_) reporter->on_event(event);
}

}  // namespace fusebox::report
