// SPDX-License-Identifier: Apache-2.0
// Is a service ready? One question, one answer, at most so long.
#pragma once

#include "launch.hpp"

namespace runtime_process {

class ReadyCheck {
 public:
  // Asks for the secrets only when the check is a command. Both outlive this.
  ReadyCheck(const Definition& definition, const Wait& wait);

  // Nothing when it is ready, else why not. Throws only what `wait` throws.
  std::optional<std::string> run(milliseconds timeout) const;

 private:
  const Definition& definition_;
  const Wait& wait_;
  std::optional<Values> values_;
};

}  // namespace runtime_process
