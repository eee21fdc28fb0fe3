// SPDX-License-Identifier: Apache-2.0
#include "rdb.hpp"

#include <algorithm>
#include <array>

namespace fbx::snapshot {

namespace {

constexpr std::array<std::uint64_t, 256> make_table() {
  constexpr std::uint64_t polynomial = 0x95ac9329ac4bc9b5ULL;  // Jones, reflected
  std::array<std::uint64_t, 256> table{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? (value >> 1U) ^ polynomial : value >> 1U;
    table[i] = value;
  }
  return table;
}

constexpr unsigned char kEof = 0xff;
constexpr unsigned char kSelectDb = 0xfe;
constexpr unsigned char kResizeDb = 0xfb;
constexpr unsigned char kAux = 0xfa;

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

std::uint64_t sum_in(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 8; ++i) sum |= std::uint64_t{byte_at(bytes, i)} << (8 * i);
  return sum;
}

// Reads the fields at the beginning of a file; nothing where they end or are cut off.
class Head {
 public:
  explicit Head(std::string_view bytes) : rest_(bytes) {}

  std::optional<unsigned char> opcode() {
    if (rest_.empty()) return std::nullopt;
    const auto code = byte_at(rest_, 0);
    rest_.remove_prefix(1);
    return code;
  }
  std::optional<std::uint64_t> length() {
    bool special = false;
    const auto value = number(special);
    return special ? std::nullopt : value;
  }
  std::optional<std::string> text() {
    bool special = false;
    const auto value = number(special);
    if (!value) return std::nullopt;
    if (special) {  // 8, 16 or 32 bits of an integer; a compressed text is not among these fields
      if (*value > 2) return std::nullopt;
      return take(std::size_t{1} << *value);
    }
    return take(*value);
  }

 private:
  std::optional<std::string> take(std::uint64_t size) {
    if (size > rest_.size()) return std::nullopt;
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  std::optional<std::uint64_t> big_endian(std::size_t size) {
    const auto bytes = take(size);
    if (!bytes) return std::nullopt;
    std::uint64_t value = 0;
    for (const char byte : *bytes) value = value << 8U | static_cast<unsigned char>(byte);
    return value;
  }
  std::optional<std::uint64_t> number(bool& special) {
    const auto first = opcode();
    if (!first) return std::nullopt;
    const unsigned low = *first & 0x3fU;
    switch (*first >> 6U) {
      case 0:
        return low;
      case 1: {
        const auto next = opcode();
        if (!next) return std::nullopt;
        return low << 8U | *next;
      }
      case 2:
        return big_endian(*first == 0x81U ? 8 : 4);
      default:
        special = true;
        return low;
    }
  }
  std::string_view rest_;
};

}  // namespace

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) {
  static constexpr auto table = make_table();
  for (const char byte : bytes)
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8U);
  return crc;
}

void RdbReader::pass(std::string_view bytes) {
  if (head_.size() < kHead) head_.append(bytes.substr(0, kHead - head_.size()));
  crc_ = crc64(crc_, bytes);
  bytes_ += bytes.size();
  if (out_ && !bytes.empty()) out_(bytes);
}

void RdbReader::add(std::string_view piece) {
  constexpr std::size_t hold = kMark + kSum;
  if (piece.size() >= hold) {
    pass(tail_);
    pass(piece.substr(0, piece.size() - hold));
    tail_ = piece.substr(piece.size() - hold);
    return;
  }
  tail_.append(piece);
  if (tail_.size() <= hold) return;
  pass(std::string_view(tail_).substr(0, tail_.size() - hold));
  tail_.erase(0, tail_.size() - hold);
}

std::string RdbReader::finish() {
  const std::string tail = std::move(tail_);
  tail_.clear();
  // With the mark, or without.
  for (const std::size_t mark : {kMark, std::size_t{0}}) {
    if (tail.size() < mark + kSum) continue;
    const std::string_view body = std::string_view(tail).substr(0, tail.size() - mark - kSum);
    const std::string_view sum = std::string_view(tail).substr(body.size(), kSum);
    const std::uint64_t wanted = sum_in(sum);
    if (wanted == 0 || crc64(crc_, body) != wanted) continue;
    pass(body);
    if (!head_.starts_with("REDIS")) return "it does not begin as an RDB file does";
    bytes_ += kSum;
    if (out_) out_(sum);
    return {};
  }
  return "its checksum does not fit: it was cut off, damaged, or written with rdbchecksum no";
}

std::string RdbReader::version() const {
  Head head(std::string_view(head_).substr(std::min<std::size_t>(9, head_.size())));
  while (head.opcode() == kAux) {
    const auto name = head.text();
    const auto value = head.text();
    if (!name || !value) break;
    if (*name == "redis-ver" || *name == "valkey-ver") return *value;
  }
  return {};
}

std::optional<RdbKeys> RdbReader::keys() const {
  Head head(std::string_view(head_).substr(std::min<std::size_t>(9, head_.size())));
  for (auto code = head.opcode(); code; code = head.opcode()) {
    if (*code == kAux) {
      if (!head.text() || !head.text()) return std::nullopt;
    } else if (*code == kSelectDb) {
      if (head.length() != 0U) return RdbKeys{};  // the first with keys is another one
    } else if (*code == kResizeDb) {
      const auto all = head.length();
      const auto expiring = head.length();
      if (!all || !expiring) return std::nullopt;
      return RdbKeys{static_cast<std::int64_t>(*all), static_cast<std::int64_t>(*expiring)};
    } else if (*code == kEof) {
      return RdbKeys{};
    } else {
      return std::nullopt;  // functions or modules come first: their length is not ours to parse
    }
  }
  return bytes_ <= 9 + kSum + 1 ? std::optional(RdbKeys{}) : std::nullopt;
}

}  // namespace fbx::snapshot
