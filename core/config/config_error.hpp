// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/schema.hpp"
#include "util/error.hpp"

namespace fusebox::config {

// All problems of a configuration at once. what() is one line per problem,
// "fusebox.toml:12:3: unknown key \"timeot\" in [phases.deploy] (did you mean \"timeout\"?)".
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<Problem> problems);
  const std::vector<Problem>& problems() const noexcept { return problems_; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace fusebox::config
