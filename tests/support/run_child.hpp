// SPDX-License-Identifier: Apache-2.0
// Lets a FakeHost run real child processes, as the host's own process service does.
#pragma once

#include <boost/json.hpp>

#include "core/util/error.hpp"
#include "core/util/subprocess.hpp"
#include "tests/support/fake_host.hpp"

namespace fusebox::test {

inline FakeHost::Process run_child(std::string_view request_json, std::string_view stdin_bytes) {
  const boost::json::value request = boost::json::parse(request_json);
  util::ProcessSpec spec;
  for (const auto& word : request.at("command").as_array())
    spec.command.emplace_back(word.as_string());
  if (const auto* unset = request.as_object().if_contains("unset"))
    for (const auto& name : unset->as_array()) spec.unset.emplace_back(name.as_string());
  spec.stdin_bytes = stdin_bytes;
  FakeHost::Process process;
  try {
    process.exit_code = util::run_process(
                            spec, [&](std::string_view bytes) { process.out += bytes; },
                            [&](std::string_view bytes) { process.err += bytes; },
                            std::chrono::steady_clock::now() + std::chrono::seconds(30), nullptr)
                            .exit_code;
  } catch (const Error& e) {
    process.rc = e.code() == Errc::not_found ? FBX_NOT_FOUND : FBX_IO;
  }
  return process;
}

}  // namespace fusebox::test
