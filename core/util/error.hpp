// SPDX-License-Identifier: Apache-2.0
// The one exception type of the core.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fusebox {

// What the operator does next. The numbers are those of the plugin ABI (a test holds them
// together).
enum class Errc : std::int32_t {
  argument = 1,
  config = 2,
  unsupported = 3,
  not_found = 4,
  denied = 5,
  unavailable = 6,
  timeout = 7,
  cancelled = 8,
  conflict = 9,
  io = 10,
  nomem = 11,
  internal = 12,
  failed = 13,
  skipped = 14,
  refused = 15,
};

// "config", "not_found", ... as JSON output and journals spell it.
std::string_view to_string(Errc code);

// what(): what failed, on what, and why. hint(): what to do next; may be empty.
class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& what, std::string hint = {})
      : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}
  Errc code() const noexcept { return code_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  Errc code_;
  std::string hint_;
};

// An Error for the failed system call `call` on `object`, from errno: "cannot open /x: No such
// file or directory". Picks the code that fits the errno.
Error system_error(std::string_view call, std::string_view object, int errnum,
                   std::string hint = {});

}  // namespace fusebox
