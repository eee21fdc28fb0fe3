// SPDX-License-Identifier: Apache-2.0
// Content beside a volume's live content, and which of the two is live.
//
// A volume of an engine has no second name, so what is restored waits in a folder of the volume
// itself, and is exchanged by renames, entry by entry. What is there tells how far that came:
//
//   .fbx-beside/<tag>/old/      what was live and is moved away; has the owner and mode of the root
//                     new/      what is staged; the root holds old content, with the old owner
//                     whole     the stream of new/ came to its end
//                     turning/  new/ under another name: the root holds new content, old/ is whole
//                     live/     the same: all of the new content is in the root
//                     settled/  the same: the old content is being removed
//   .fbx-beside/staged          "<tag> <bytes>": what was staged last
//
// Each name is given by one rename, after all that it says is true.
#pragma once

#include <cstdint>

#include "common/compose_runtime/volume_use.hpp"

namespace fbx::compose_runtime {

// What of a volume's measured size is live content, as far as that can be told cheaply.
std::int64_t live_bytes(Scene& scene, const VolumeUse& volume, std::int64_t measured);

}  // namespace fbx::compose_runtime
