// SPDX-License-Identifier: Apache-2.0
#include "common/http_probe.hpp"

#include <fmt/format.h>

namespace fbx::common {

HttpResponse ask_http(const HttpRequest& request, const Deadline& deadline,
                      const std::string& who) {
  try {
    return fetch(request, deadline);
  } catch (const HttpError& e) {
    switch (e.kind()) {
      case HttpError::Kind::timed_out:
        throw timed_out(who, deadline, "while waiting for its HTTP response");
      case HttpError::Kind::resolve:
        throw CheckFailed(Retry::yes, fmt::format("cannot find {}", who), e.what(),
                          "check the host's name, and this machine's name resolution");
      case HttpError::Kind::tls:
        throw CheckFailed(Retry::no, fmt::format("no TLS connection to {}", who), e.what(),
                          "mend the server's certificate, or add its authority to this machine's");
      case HttpError::Kind::broken:
        throw CheckFailed(Retry::yes, fmt::format("{} broke the connection", who), e.what(),
                          "see the service's log (`fusebox logs`); check that it speaks HTTP");
      case HttpError::Kind::connect:
        break;
    }
    throw cannot_connect(who, e.what());
  }
}

std::string http_evidence(const HttpResponse& response) {
  const std::string body = one_line(response.body, 160);
  return body.empty() ? fmt::format("HTTP {}", response.status)
                      : fmt::format("HTTP {}: {}", response.status, body);
}

}  // namespace fbx::common
