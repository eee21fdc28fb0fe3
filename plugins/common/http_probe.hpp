// SPDX-License-Identifier: Apache-2.0
// HTTP as a probe speaks it: what goes wrong is a finding.
#pragma once

#include <string>

#include "common/http.hpp"
#include "common/probe.hpp"

namespace fbx::common {

// fetch(), with HttpError turned into CheckFailed. `who`: "ClickHouse at 127.0.0.1:8123".
HttpResponse ask_http(const HttpRequest& request, const Deadline& deadline, const std::string& who);

// The start of a body as one line of evidence: "HTTP 503: not ready".
std::string http_evidence(const HttpResponse& response);

}  // namespace fbx::common
