// SPDX-License-Identifier: Apache-2.0
// Where a finding of a commit can be seen in a browser.
#pragma once

#include <string>
#include <string_view>

#include "engine/finding.hpp"
#include "engine/fragment.hpp"

namespace fusebox::scan {

// Author, date, message and link, where the fragment has a commit.
void describe_commit(Finding& finding, const Fragment& fragment, const Remote* remote);

// Of what `git ls-remote --get-url` says. `platform`: github, gitlab, azuredevops, gitea,
// bitbucket, or empty for the one that the host tells.
Remote parse_remote(std::string_view url, std::string_view platform);

}  // namespace fusebox::scan
