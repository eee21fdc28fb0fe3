// SPDX-License-Identifier: Apache-2.0
// Takes the engine's two-in-one stream apart: stdout and stderr of a program without a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace fbx::docker {

enum class Channel { in = 0, out = 1, err = 2 };

// A frame has a head of eight bytes (channel, three zeros, length as big-endian), then its payload.
// Bytes may be cut anywhere.
class Frames {
 public:
  enum class Part { more, last };  // last: the frame ends with this piece
  using Piece = std::function<void(Channel channel, std::string_view bytes, Part part)>;

  // Calls `piece` for all payload in `bytes`; a frame without payload gives one empty last piece.
  // Throws Error{FBX_IO} when the head of a frame is none.
  void feed(std::string_view bytes, const Piece& piece);

  // Whether the stream may end here.
  bool between() const { return head_ == 0 && left_ == 0; }

 private:
  static constexpr std::size_t head_size = 8;
  std::uint8_t bytes_[head_size]{};
  std::size_t head_ = 0;  // bytes of the next head that are there
  std::uint32_t left_ = 0;
  Channel channel_ = Channel::out;
};

}  // namespace fbx::docker
