// SPDX-License-Identifier: Apache-2.0
// Takes a secret and a control value of 38 bytes each from its input, uses the secret in every way
// we have, writes one byte, and crashes when its input ends. The control value stays in ordinary
// memory.
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "secrets/env_block.hpp"
#include "secrets/redactor.hpp"
#include "secrets/store.hpp"
#include "util/subprocess.hpp"
#include "util/wipe.hpp"

namespace {

constexpr std::size_t length = 38;

bool use_everywhere(const fusebox::secrets::Store& store) {
  namespace util = fusebox::util;
  const fusebox::secrets::Redactor redactor(store);
  std::size_t seen = 0;
  const bool found = store.with("CANARY", [&](std::string_view value) {
    if (redactor.redact(value) != "[redacted:CANARY]") return;
    fusebox::secrets::EnvBlock environment;
    environment.set("SECRET", value);
    util::ProcessSpec spec;
    spec.command = {"/bin/sh", "-c", "printf %s \"$SECRET\""};
    spec.envp = environment.envp();
    const auto count = [&](std::string_view bytes) { seen += bytes.size(); };
    util::run_process(spec, count, {}, std::nullopt, nullptr);
  });
  return found && seen == length;
}

}  // namespace

int main() {
  char buffer[2 * length];
  if (::read(STDIN_FILENO, buffer, sizeof buffer) != sizeof buffer) return 10;
  const auto control = std::make_unique<std::string>(buffer + length, length);
  fusebox::secrets::Store store;
  store.put("CANARY", {buffer, length});
  fusebox::util::wipe(buffer, sizeof buffer);
  if (!use_everywhere(store)) return 11;
  if (::write(STDOUT_FILENO, "r", 1) != 1) return 12;
  char end = 0;
  if (::read(STDIN_FILENO, &end, 1) != 0 || control->size() != length) return 13;
  std::abort();
}
