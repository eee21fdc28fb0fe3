// SPDX-License-Identifier: Apache-2.0
// Everything that can be told before a deploy's first effect.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace fbx::compose {

class Project;

// Engine, Compose, files and their variables, secrets, disk, memory, versions, volumes and their
// owners, networks. Every check runs, whatever the others say; the result carries a status.
boost::json::object preflight(Project& project);

// The variables, or secrets, that a text puts into the user part of a URL: "://user:${NAME}@",
// "://user:${secret:NAME}@".
std::vector<std::string> variables_in_urls(std::string_view compose_text);

// What is wrong with a value that goes there: it would end the user part, or be taken for an
// escape. Empty when nothing is. Tells the character's kind, never the value.
std::string breaks_url(std::string_view value);

// What is wrong with a value that is a URL as a whole: its user part is not escaped. Empty when
// nothing is.
std::string breaks_own_url(std::string_view value);

}  // namespace fbx::compose
