// SPDX-License-Identifier: Apache-2.0
// Two plugins and a pipe between them.
#pragma once

#include <functional>
#include <fusebox/plugin.hpp>
#include <optional>
#include <string>

namespace fbx::common {

// How one side of a transfer ended: its answer, or why there is none.
struct Side {
  std::string answer;
  std::optional<Error> error;
};

struct Transfer {
  Side writer;
  Side reader;
};

// Runs `write` on a thread of its own and `read` on this one, with a pipe between. A side that ends
// closes its end, so neither waits for ever; whether the other one's result counts is for the
// caller to say, since a stream that was cut off ends like a whole one.
Transfer transfer(const std::function<std::string(int fd)>& write,
                  const std::function<std::string(int fd)>& read);

}  // namespace fbx::common
