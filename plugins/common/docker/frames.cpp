// SPDX-License-Identifier: Apache-2.0
#include "common/docker/frames.hpp"

#include <algorithm>
#include <fusebox/plugin.hpp>

namespace fbx::docker {

void Frames::feed(std::string_view bytes, const Piece& piece) {
  while (!bytes.empty()) {
    if (left_ == 0) {
      bytes_[head_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (head_ < head_size) continue;
      head_ = 0;
      if (bytes_[0] > 2 || bytes_[1] != 0 || bytes_[2] != 0 || bytes_[3] != 0)
        throw Error(FBX_IO, "the engine's stream of output is broken",
                    "update the engine, or report this with its version");
      channel_ = static_cast<Channel>(bytes_[0]);
      for (std::size_t i = 4; i < head_size; ++i) left_ = (left_ << 8U) | bytes_[i];
      if (left_ == 0) piece(channel_, {}, Part::last);
      continue;
    }
    const auto count = std::min<std::size_t>(left_, bytes.size());
    left_ -= static_cast<std::uint32_t>(count);
    piece(channel_, bytes.substr(0, count), left_ == 0 ? Part::last : Part::more);
    bytes.remove_prefix(count);
  }
}

}  // namespace fbx::docker
