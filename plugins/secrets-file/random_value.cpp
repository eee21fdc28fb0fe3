// SPDX-License-Identifier: Apache-2.0
#include "random_value.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fusebox/plugin.hpp>

namespace secrets_file {

using fbx::common::WipedText;

namespace {

// getentropy: the one call that Linux and macOS share. It gives at most 256 bytes.
using Pool = std::array<std::uint8_t, 256>;

void fill(Pool& pool) {
  if (::getentropy(pool.data(), pool.size()) != 0)
    throw fbx::Error(FBX_IO,
                     std::string("the system's random generator failed: ") + std::strerror(errno),
                     "try again; no value was made");
}

}  // namespace

WipedText random_alphanumeric(std::size_t length) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t fair = 256 / letters.size() * letters.size();
  WipedText out;
  out.reserve(length);
  Pool pool{};
  while (out.size() < length) {
    fill(pool);
    for (const std::uint8_t byte : pool)
      if (byte < fair && out.size() < length) out.push_back(letters[byte % letters.size()]);
  }
  fbx::common::wipe(pool.data(), pool.size());
  return out;
}

WipedText random_hex_key() {
  constexpr std::string_view digits = "0123456789abcdef";
  WipedText out;
  out.reserve(64);
  Pool pool{};
  fill(pool);
  for (std::size_t i = 0; i < 32; ++i) {
    out.push_back(digits[pool[i] >> 4U]);
    out.push_back(digits[pool[i] & 0xFU]);
  }
  fbx::common::wipe(pool.data(), pool.size());
  return out;
}

}  // namespace secrets_file
