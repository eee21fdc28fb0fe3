// SPDX-License-Identifier: Apache-2.0
// Values that a schema allows: the plainest, or any.
#pragma once

#include "config/schema.hpp"

#include <boost/json/object.hpp>
#include <random>

namespace fusebox::check {

// The name that made-up secret handles have.
inline constexpr const char* kSecretName = "CHECK_SECRET";

// What is required and has no default is made up; all else stays away or has its default.
boost::json::object plainest(const config::Schema& schema);

// Any part of the fields, with any values that the schema allows.
boost::json::object any(const config::Schema& schema, std::mt19937_64& random);

}  // namespace fusebox::check
