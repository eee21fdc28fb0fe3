// SPDX-License-Identifier: Apache-2.0
// Secret values in memory that is locked, left out of core dumps, and wiped when freed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fusebox::secrets {

// Thread-safe. Values never leave it but through `with`.
class Store {
 public:
  Store();  // throws Error{nomem} when no memory can be had; a failed mlock is only noted
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Copies a value in; an existing one of that name is wiped and replaced.
  void put(std::string_view name, std::string_view value);
  bool contains(std::string_view name) const;
  std::vector<std::string> names() const;

  // Calls `use` with the value (valid during the call only); false when there is none. No lock is
  // held meanwhile: `use` may log, redact, or call the store.
  bool with(std::string_view name, const std::function<void(std::string_view)>& use) const;

  // False when the system refused to lock the memory (RLIMIT_MEMLOCK): it might be swapped out.
  bool locked() const;

 private:
  friend class Redactor;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Forbids core dumps of this process, and the tracing of it by other users' processes.
void harden_process() noexcept;

}  // namespace fusebox::secrets
