// SPDX-License-Identifier: Apache-2.0
// What store and redactor share. Internal to the room.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "secrets/locked_heap.hpp"
#include "secrets/matcher.hpp"
#include "secrets/store.hpp"

namespace fusebox::secrets {

// Users hold what they use by shared_ptr, not by the lock: one may log, and so redact, within
// `with`.
struct Store::Impl {
  LockedHeap heap;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Secret>, std::less<>> secrets;
  mutable std::shared_ptr<const Matcher> cached;  // none after a change

  std::shared_ptr<const Matcher> matcher();
};

}  // namespace fusebox::secrets
