// SPDX-License-Identifier: Apache-2.0
#include "ready.hpp"

#include <fmt/format.h>

#include "net.hpp"

namespace runtime_process {

ReadyCheck::ReadyCheck(const Definition& definition, const Wait& wait)
    : definition_(definition), wait_(wait) {
  if (!definition.ready.command.empty()) values_ = resolve_secrets(wait.op(), definition);
}

std::optional<std::string> ReadyCheck::run(milliseconds timeout) const {
  const Ready& ready = definition_.ready;
  std::string why;
  if (!ready.tcp.empty()) {
    for (const Port& port : definition_.ports)
      if (port.name == ready.tcp && connect_tcp(port.host, port.number, timeout, wait_, why))
        return std::nullopt;
    return why;
  }
  if (!ready.http.empty()) {
    const int status = http_status(ready.http, timeout, wait_, why);
    if (status == ready.status) return std::nullopt;
    return status == 0 ? why
                       : fmt::format("{} answered {}, not {}", ready.http, status, ready.status);
  }
  if (!ready.command.empty()) {
    Definition command = definition_;
    command.command = ready.command;
    try {
      const int code = run_command(command, *values_, {}, Terminal::no, wait_, timeout);
      if (code == 0) return std::nullopt;
      return fmt::format("its check ended with code {}", code);
    } catch (const fbx::Error& e) {
      wait_.check("checking " + definition_.service);
      return e.what();
    }
  }
  return std::nullopt;
}

}  // namespace runtime_process
