// SPDX-License-Identifier: Apache-2.0
// What every provider of secrets reads and answers in the same way.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::common {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name);

// The strings of the list `field`, each once, in order; a missing field is an empty list. Throws
// FBX_ARGUMENT when it is something else.
Names names_at(const boost::json::object& object, std::string_view field);

// The names that a step's request asks for. Throws FBX_ARGUMENT unless its verb is `resolve`.
Names names_of_step(std::string_view request);

// The names that a fusebox.secrets/1 request asks for.
Names names_of_request(std::string_view request);

// {"resolved":[...]}
std::string resolved_json(const Names& names);

// "A, B and C"
std::string listed(const Names& names);

// "1 secret", "2 secrets"
std::string counted(std::size_t count, std::string_view thing);

}  // namespace fbx::common
