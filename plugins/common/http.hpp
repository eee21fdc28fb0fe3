// SPDX-License-Identifier: Apache-2.0
// One HTTP request, with a deadline, a cancel, and no secret in any error.
#pragma once

#include <cstddef>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/deadline.hpp"

namespace fbx::common {

struct HttpHeader {
  std::string name;
  Secret value;
};

// Signs the request the way S3 wants it (AWS signature, version 4).
struct S3Login {
  Secret access_key;
  Secret secret_key;
  std::string region = "us-east-1";
};

enum class Redirects { refuse, follow };
enum class TlsVerify { no, yes };

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https; without credentials: they belong into headers
  std::vector<HttpHeader> headers;
  std::string body;  // of any method but GET
  // Follows at most five. Headers go along: do not use it with a secret in one.
  Redirects redirects = Redirects::refuse;
  TlsVerify tls_verify = TlsVerify::yes;
  const S3Login* s3 = nullptr;  // borrowed
  std::size_t most_bytes = std::size_t{1} << 20U;
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of a name counts
  std::string body;                            // at most most_bytes of it
  double ms = 0;                               // from the first packet to the last

  std::string header(const std::string& lower_case_name) const;
};

// Why there is no response. what() names neither path nor query of the URL.
class HttpError : public std::exception {
 public:
  enum class Kind { resolve, connect, timed_out, tls, broken };
  HttpError(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
  Kind kind() const { return kind_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  Kind kind_;
  std::string text_;
};

// Any response, whatever its status. Proxies of the environment are used, but not for the own
// machine. Throws HttpError; Error{FBX_CANCELLED}; Error{FBX_CONFIG} for a URL that is none.
HttpResponse fetch(const HttpRequest& request, const Deadline& deadline);

// %XX for everything but letters, digits and "-._~".
std::string url_encode(std::string_view text);

}  // namespace fbx::common
