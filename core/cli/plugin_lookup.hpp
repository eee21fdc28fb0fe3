// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace fusebox::plugin {
class Catalog;
struct Found;
}  // namespace fusebox::plugin

namespace fusebox::cli {

// The plugin of that id. Throws Error{not_found} with the nearest id, or with why it is refused.
const plugin::Found& find_plugin(const plugin::Catalog& catalog, const std::string& id);

}  // namespace fusebox::cli
