// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace fbx::backup {

// How a person brings a generation back with standard tools and no fusebox: a text that lies in it.
std::string restore_text(const std::string& generation, const boost::json::object& manifest);

}  // namespace fbx::backup
