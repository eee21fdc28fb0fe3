// SPDX-License-Identifier: Apache-2.0
// A generation as one tar file, and back: what export writes and import reads.
//
//   <generation>/manifest.json, <generation>/SHA256SUMS, then the files as they are stored
//
// The manifest comes first, so that each file can be judged as it comes. Unpacked it is a folder
// like one in a store: `sha256sum -c SHA256SUMS` proves it.
#pragma once

#include <string>

#include "common/json.hpp"

namespace fbx::backup {

std::string plan_export(const common::StepRequest& request);
// The verb export.
std::string export_generation(const Op& op, const common::StepRequest& request);

std::string plan_import(const common::StepRequest& request);
// The verb import. Reads what export wrote, and archives of offen/docker-volume-backup.
std::string import_archive(const Op& op, const common::Context& context,
                           const common::StepRequest& request);

// What SHA256SUMS holds for a manifest of that text.
std::string sums_of(const common::json::object& manifest, const std::string& text);

}  // namespace fbx::backup
