// SPDX-License-Identifier: Apache-2.0
// A configuration as text, for `fusebox config show`.
#pragma once

#include "config/value.hpp"

#include <boost/json/fwd.hpp>
#include <string>

namespace fusebox::config {

// One value as TOML on one line: "text", [1, 2], { a = true }.
std::string to_toml(const Value& value);

// One line per leaf, `stack.name = "demo"  # fusebox.toml:2:1`, origins in one column. A list is a
// leaf, since layers replace it whole, and so is an empty table. Valid TOML.
std::string render_with_origins(const Value& root);

// The same as JSON: [{"key":"stack.name","value":"demo","source":"fusebox.toml","line":2,
// "column":1}], without line and column where they mean nothing.
boost::json::array origins_json(const Value& root);

// A value as plain JSON. A number that JSON cannot hold (inf, nan) is a string.
boost::json::value to_json(const Value& value);

}  // namespace fusebox::config
