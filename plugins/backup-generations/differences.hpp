// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace fbx::backup {

// What is counted now against what was captured, one text per name that differs: "public.trace: 12
// instead of 15". A name that only one side has differs, too.
std::vector<std::string> differences(const boost::json::object& captured,
                                     const boost::json::object& now);

}  // namespace fbx::backup
