// SPDX-License-Identifier: Apache-2.0
#include "common/store/sealing.hpp"

#include <fmt/format.h>

namespace fbx::store {

namespace {

constexpr std::size_t kPiece = 1U << 16U;

std::vector<std::string> seal_command(const std::vector<std::string>& recipients) {
  std::vector<std::string> command = {"age", "--encrypt"};
  for (const std::string& recipient : recipients) {
    command.emplace_back("--recipient");
    command.push_back(recipient);
  }
  command.emplace_back("/dev/fd/3");
  return command;
}

// "age: error: malformed recipient ...", without where to report it.
std::string error_line(std::string_view text) {
  constexpr std::string_view mark = "error: ";
  const auto at = text.find(mark);
  if (at != std::string_view::npos) text.remove_prefix(at + mark.size());
  return std::string(text.substr(0, text.find('\n')));
}

Error cannot_encrypt(const common::FilterEnd& end) {
  return {FBX_CONFIG,
          fmt::format("age cannot encrypt ({}): {}", end.exit_code, error_line(end.err)),
          "look at encrypt_to: each recipient begins with age1 or ssh-"};
}

// What age says of an identity may quote it, so only known phrases count.
Error refusal(const common::FilterEnd& end) {
  if (end.err.find("no identity matched") != std::string::npos)
    return {FBX_DENIED, "the identity is not one of those that the file is encrypted to",
            "give `identity` the secret of the key whose public half is in encrypt_to"};
  if (end.err.find("unknown identity type") != std::string::npos ||
      end.err.find("malformed secret key") != std::string::npos ||
      end.err.find("no secret keys found") != std::string::npos)
    return {FBX_DENIED, "the value of `identity` is no identity of age",
            "it is the line that begins with AGE-SECRET-KEY-1, as age-keygen writes it"};
  return {FBX_IO, fmt::format("age ended with {}", end.exit_code),
          "decrypt the file by hand to see more: age -d -i KEY-FILE"};
}

}  // namespace

Sealer::Sealer(const Op& op, const std::vector<std::string>& recipients,
               std::function<void(std::string_view)> take)
    : age_(op, seal_command(recipients), std::string_view(), "encrypting with age"),
      take_(std::move(take)),
      thread_([this] { drain(); }) {}

Sealer::~Sealer() {
  age_.close();
  age_.kill();
  if (thread_.joinable()) thread_.join();
}

void Sealer::drain() {
  try {
    std::vector<char> buffer(kPiece);
    while (const std::size_t got = age_.read(buffer)) take_({buffer.data(), got});
  } catch (...) {
    thrown_ = std::current_exception();
    age_.kill();  // so that write() does not wait for a reader
  }
}

void Sealer::write(std::string_view bytes) {
  try {
    age_.write(bytes);
  } catch (const Error& error) {
    if (error.rc() != FBX_IO) throw;
    finish();  // says why age reads no more
    throw;
  }
}

void Sealer::finish() {
  age_.close();
  thread_.join();
  const auto end = age_.wait();
  if (thrown_) std::rethrow_exception(thrown_);
  if (end.exit_code != 0) throw cannot_encrypt(end);
}

Opener::Opener(const Op& op, const Secret& identity, std::function<std::string_view()> pull)
    : age_(op, {"age", "--decrypt", "--identity", "-", "/dev/fd/3"}, identity.view(),
           "decrypting with age"),
      pull_(std::move(pull)),
      buffer_(kPiece),
      thread_([this] { feed(); }) {}

Opener::~Opener() { stop(); }

void Opener::stop() {
  age_.kill();
  if (thread_.joinable()) thread_.join();
}

void Opener::feed() {
  try {
    for (std::string_view piece; !(piece = pull_()).empty();) {
      try {
        age_.write(piece);
      } catch (const Error& error) {
        if (error.rc() == FBX_IO) break;  // age has judged, and its exit code tells
        throw;
      }
    }
  } catch (...) {
    thrown_ = std::current_exception();
  }
  age_.close();
}

std::string_view Opener::next() {
  if (ended_) return {};
  const std::size_t got = age_.read(buffer_);
  if (got != 0) return {buffer_.data(), got};
  ended_ = true;
  thread_.join();
  const auto end = age_.wait();
  if (thrown_) std::rethrow_exception(thrown_);
  if (end.exit_code != 0) throw refusal(end);
  return {};
}

}  // namespace fbx::store
