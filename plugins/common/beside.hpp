// SPDX-License-Identifier: Apache-2.0
// Programs beside a service, with their streams: what fusebox.runtime/1's exec is to a plugin.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::common {

struct Program {
  std::string service;
  std::vector<std::string> command;
  boost::json::object environment;  // text, or {"$secret":"NAME"}
  std::string stdin_text;           // small; used when stdin_fd is -1
  int stdin_fd = -1;
  std::size_t err_limit = 64U << 10U;  // what is kept of its stderr
};

struct Finished {
  int exit_code = 0;
  std::string out;  // of run_beside() alone
  std::string err;  // its end
};

// Runs it to its end and collects what it prints, at most 16 MiB.
Finished run_beside(const Op& op, const Program& program);

// The same; what it prints goes to `fd`.
Finished stream_beside(const Op& op, const Program& program, int fd);

// The same; what it prints goes to `take`, piece by piece, on this thread. When `take` throws, the
// program's output is closed, its end awaited, and the exception goes on.
Finished filter_beside(const Op& op, const Program& program,
                       const std::function<void(std::string_view)>& take);

// Throws Error{FBX_IO} with the end of what the program wrote to stderr, unless it ended with 0.
void require_success(const Finished& finished, std::string_view what, std::string_view hint = {});

// The last line that says something.
std::string last_line(std::string_view text);

// What another plugin's call failed with: its own code, text and hint.
Error error_of(const Reported& reported);

// What another plugin answers; throws error_of() what it failed with.
boost::json::object answer_of(const std::function<std::string()>& call);

}  // namespace fbx::common
