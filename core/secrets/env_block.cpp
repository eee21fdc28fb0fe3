// SPDX-License-Identifier: Apache-2.0
#include "secrets/env_block.hpp"

#include <fmt/format.h>

#include "util/error.hpp"

extern char** environ;

namespace fusebox::secrets {

EnvBlock::EnvBlock() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    entries_.push_back(*entry);
  entries_.push_back(nullptr);
}

void EnvBlock::set(std::string_view name, std::string_view value) {
  constexpr char zero = '\0';
  if (name.empty() || name.find('=') != std::string_view::npos ||
      name.find(zero) != std::string_view::npos)
    throw Error(Errc::argument, fmt::format("\"{}\" cannot name an environment variable", name));
  if (value.find(zero) != std::string_view::npos)
    throw Error(Errc::argument,
                fmt::format("the value for the environment variable {} has a zero byte", name));
  unset(name);
  LockedHeap::Block block = heap_.allocate(name.size() + value.size() + 2);
  name.copy(block.data(), name.size());
  block.data()[name.size()] = '=';
  value.copy(block.data() + name.size() + 1, value.size());
  entries_.insert(entries_.end() - 1, block.data());
  blocks_.push_back(std::move(block));
}

void EnvBlock::unset(std::string_view name) {
  std::erase_if(entries_, [&](const char* entry) {
    if (entry == nullptr) return false;
    const std::string_view assignment(entry);
    return assignment.substr(0, assignment.find('=')) == name;
  });
}

}  // namespace fusebox::secrets
