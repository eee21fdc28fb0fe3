// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/samples.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "tests/differential/gitleaks.hpp"

namespace fusebox::test {

namespace fs = std::filesystem;

std::string Samples::token(std::size_t length) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string text;
  while (text.size() < length) text += letters[below(letters.size())];
  return text;
}

std::string Samples::key() { return fmt::format("sk_{}_{}", "live", token(24)); }

std::size_t Samples::below(std::size_t limit) { return random_() % limit; }

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view part = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8U | (j < part.size() ? static_cast<unsigned char>(part[j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= part.size() ? digits[bits >> (18U - 6U * j) & 63U] : '=';
  }
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

void Tree::put(const std::string& name, std::string_view text) const {
  const fs::path file = path() / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

void Tree::add(const std::string& name, std::string_view text) const {
  put(name, get(name) + std::string(text));
}

std::string Tree::get(const std::string& name) const {
  std::ifstream in(path() / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Tree::git(std::vector<std::string> words) const {
  words.insert(words.begin(), {"git", "-c", "user.name=Ü N", "-c", "user.email=n@example.org"});
  run_in(path(), std::move(words));
}

void Tree::init_git() const { git({"init", "-q", "-b", "main"}); }

}  // namespace fusebox::test
