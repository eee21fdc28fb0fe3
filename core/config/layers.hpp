// SPDX-License-Identifier: Apache-2.0
// What the user wrote, from all the places where it can be written, as one table.
#pragma once

#include "config/config.hpp"

namespace fusebox::config {

// Puts `over` on `under`: tables key by key, anything else replaced. A table keeps the place of the
// last file that wrote it.
void merge(Value& under, Value over);

// `file` and what it includes, merged. Throws ConfigError.
Value read_layers(const std::filesystem::path& file);

// Puts FUSEBOX_A__B=c, --set a.b=c and --use a=b on `root`, in this order.
void apply_overrides(Value& root, const LoadOptions& options, std::vector<Problem>& problems);

}  // namespace fusebox::config
