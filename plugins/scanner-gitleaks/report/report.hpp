// SPDX-License-Identifier: Apache-2.0
// A scan's findings as a file. JSON, CSV and JUnit are byte for byte those of gitleaks 8.30.1;
// SARIF is our own, with what gitleaks leaves out: levels, fingerprints, paths as URIs.
//
// Values are written as the findings have them: redact before (Options::redact). SARIF, which is
// made to be uploaded, never has one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/finding.hpp"
#include "engine/rules.hpp"

namespace fusebox::scan {

enum class Format { json, csv, junit, sarif };

// By its name, or by the extension of a report's path (.json, .csv, .xml, .sarif).
std::optional<Format> format_of(std::string_view name_or_path);

std::string write_json(std::span<const Finding> findings);
// Nothing at all when there is no finding, as gitleaks does.
std::string write_csv(std::span<const Finding> findings);
std::string write_junit(std::span<const Finding> findings);
// `version`: of the program. `rules`: all that were looked for.
std::string write_sarif(std::span<const Finding> findings, const Rules& rules,
                        std::string_view version);

std::string write_report(Format format, std::span<const Finding> findings, const Rules& rules,
                         std::string_view version);

}  // namespace fusebox::scan
