// SPDX-License-Identifier: Apache-2.0
// What proves that a generation can be restored: <state_dir>/drills.jsonl of the live stack, one
// line per drill, oldest first.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "common/json.hpp"
#include "session.hpp"

namespace fbx::backup {

// Appends one, and has it on disk. Returns the file's path.
std::string write_receipt(const Op& op, const common::Context& context, const Session& session);

// The newest; empty when there is none. A last line that was cut off is left out.
boost::json::object last_receipt(const common::Context& context);

}  // namespace fbx::backup
