// SPDX-License-Identifier: Apache-2.0
// An RDB file as a stream: is it whole, and how many keys does it say it has?
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fbx::snapshot {

// CRC-64 as Redis computes it (Jones). Begin with 0.
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes);

struct RdbKeys {
  std::int64_t all = 0;
  std::int64_t expiring = 0;  // of these
  std::int64_t lasting() const { return all - expiring; }
};

// Fed with pieces of any size. What `redis-cli --rdb -` prints ends with a mark of 40 bytes that is
// no part of the file: finish() tells by the checksum, and what goes to `out` is the file alone.
class RdbReader {
 public:
  explicit RdbReader(std::function<void(std::string_view)> out = {}) : out_(std::move(out)) {}

  void add(std::string_view piece);
  // Empty when the file is whole; else what is wrong.
  std::string finish();

  std::uint64_t bytes() const { return bytes_; }
  // Of database 0, when the file says so.
  std::optional<RdbKeys> keys() const;
  std::string version() const;  // of the server that wrote it

 private:
  void pass(std::string_view bytes);
  static constexpr std::size_t kMark = 40;
  static constexpr std::size_t kSum = 8;
  static constexpr std::size_t kHead = 64U << 10U;

  std::function<void(std::string_view)> out_;
  std::string tail_;  // the last bytes, held back
  std::string head_;  // the first bytes, with the auxiliary fields
  std::uint64_t crc_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace fbx::snapshot
