// SPDX-License-Identifier: Apache-2.0
// A small HTTP server: GET, one thread for each connection, no keep-alive.
#pragma once

#include <functional>
#include <string>

namespace stand_in {

struct Answer {
  int status = 200;
  std::string body;
};

// Answers requests on all addresses until `stopped` says true. `handle` gets the path with its
// query; an answer of status 0 is none at all: the connection stays open and silent.
void serve(const std::string& port, const std::function<Answer(const std::string&)>& handle,
           const std::function<bool()>& stopped);

}  // namespace stand_in
