// SPDX-License-Identifier: Apache-2.0
// SHA-256 of streams, and fingerprints of secrets.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

struct evp_md_ctx_st;

namespace fbx::common {

// Lower-case hexadecimal.
std::string to_hex(std::span<const unsigned char> bytes);

class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  // One of the two, once, at the end.
  std::string hex();
  std::array<unsigned char, 32> bytes();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// The same on a thread of its own. Waits when it is behind, so that memory stays bounded.
class Sha256Thread {
 public:
  Sha256Thread();
  ~Sha256Thread();
  Sha256Thread(const Sha256Thread&) = delete;
  Sha256Thread& operator=(const Sha256Thread&) = delete;

  void add(std::string_view bytes);  // copies
  std::string hex();                 // once, at the end

 private:
  void work();
  static constexpr std::size_t kQueue = 16;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool closed_ = false;
  Sha256 digest_;
  std::thread thread_;
};

// HMAC-SHA256 of `message` under `key`, as hex.
std::string hmac_sha256(std::string_view key, std::string_view message);

}  // namespace fbx::common
