// SPDX-License-Identifier: Apache-2.0
#include "s3_answer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "common/json.hpp"

namespace fbx::minio {

namespace json = common::json;

std::vector<std::string> elements(std::string_view xml, std::string_view tag) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  std::vector<std::string> out;
  for (std::size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
    at += open.size();
    const std::size_t end = xml.find(close, at);
    if (end == std::string_view::npos) break;
    out.emplace_back(xml.substr(at, end - at));
  }
  return out;
}

std::string error_code(std::string_view xml) {
  if (xml.find("<Error>") == std::string_view::npos) return {};
  const auto codes = elements(xml, "Code");
  return codes.empty() ? std::string{} : codes.front();
}

std::optional<ServerInfo> parse_info(std::string_view text) {
  json::error_code error;
  const json::value document = json::parse(text, error);
  const json::object* root = error ? nullptr : document.if_object();
  const json::array* servers = root == nullptr ? nullptr : common::array_at(*root, "servers");
  if (servers == nullptr) return std::nullopt;
  ServerInfo info;
  for (const json::value& item : *servers) {
    const json::object* server = item.if_object();
    if (server == nullptr) continue;
    if (info.version.empty()) info.version = common::text_at(*server, "version").value_or("");
    const json::array* drives = common::array_at(*server, "drives");
    if (drives == nullptr) drives = common::array_at(*server, "disks");  // before 2022
    if (drives == nullptr) continue;
    for (const json::value& drive : *drives) {
      const json::object* one = drive.if_object();
      if (one == nullptr) continue;
      ++info.drives;
      if (common::text_at(*one, "state").value_or("ok") != "ok") ++info.drives_not_ok;
      info.free_bytes +=
          static_cast<std::uint64_t>(common::number_at(*one, "availspace").value_or(0));
      info.total_bytes +=
          static_cast<std::uint64_t>(common::number_at(*one, "totalspace").value_or(0));
    }
  }
  return info;
}

}  // namespace fbx::minio
