// SPDX-License-Identifier: Apache-2.0
// Takes back what up, start, stop, restart and pull did, by their checkpoints.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "common/compose/project.hpp"

namespace fbx::compose {

// Brings every service back to the image it ran and the Compose files it was made with, removes the
// containers, networks and volumes that the run made, and restores the versions file. What existed
// before loses nothing: a volume that was there is never touched. Proves at the end that the images
// of before run. Safe to call again.
boost::json::object undo(const Op& op, const Settings& settings, const StartEngine& start_engine,
                         const boost::json::array& checkpoints);

}  // namespace fbx::compose
