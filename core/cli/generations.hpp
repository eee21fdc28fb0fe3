// SPDX-License-Identifier: Apache-2.0
// The generations of the stack's store, for commands.
#pragma once

#include "util/error.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace fusebox::plugin {
class Host;
struct CallContext;
struct InstanceInfo;
}  // namespace fusebox::plugin

namespace fusebox::cli {

class Context;

using StoreFunction = boost::json::object (plugin::Host::*)(const std::string&,
                                                            const boost::json::object&,
                                                            const plugin::CallContext&);

// Asks the store, watched over; `what` names the call in errors.
boost::json::object ask_store(Context& context, StoreFunction call,
                              const boost::json::object& request, std::string_view what);

// As the store lists them.
boost::json::object list_generations(Context& context);

// "latest" is the newest without a problem, but none that a restore made of what it was about to
// replace. Throws Error{not_found}.
boost::json::object find_generation(Context& context, const std::string& name);

// A member that is an object; an empty one where there is none.
const boost::json::object& object_field(const boost::json::object& object, std::string_view key);

// A table with a row for each, newest first; empty text when there is none. Numbered: with a first
// column to choose by, from 1.
enum class Rows { plain, numbered };
std::string generation_table(Context& context, const boost::json::object& listed, Rows rows);

// What is wrong with it, why it is pinned, or its note.
std::string remark(Context& context, const boost::json::object& generation);

std::string size_text(const boost::json::object& object, std::string_view key);

// The instance that has `verb` for generations. Throws Error{not_found} when there is none.
const plugin::InstanceInfo& generation_maker(Context& context, const std::string& verb);

}  // namespace fusebox::cli
