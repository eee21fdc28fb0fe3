// SPDX-License-Identifier: Apache-2.0
// What an S3 server answers, as far as a probe reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::minio {

// The text of each <tag>, in order. Enough for S3's flat answers; entities stay as they are.
std::vector<std::string> elements(std::string_view xml, std::string_view tag);

// "NoSuchBucket", "SignatureDoesNotMatch", ...; empty when the body is no S3 error.
std::string error_code(std::string_view xml);

// What /minio/admin/v3/info tells, for keys that may ask it.
struct ServerInfo {
  std::string version;  // of the first server: a release date
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::size_t drives = 0;
  std::size_t drives_not_ok = 0;
};
std::optional<ServerInfo> parse_info(std::string_view json);

}  // namespace fbx::minio
