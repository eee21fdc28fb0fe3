// SPDX-License-Identifier: Apache-2.0
#include "last_copy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <utility>

#include "common/folder.hpp"
#include "common/json.hpp"

namespace fbx::external {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {
constexpr const char* kFile = "last-copy.json";
}

std::optional<LastCopy> read_last_copy(const fs::path& state_dir) {
  try {
    const auto folder = common::Folder::open_if_there(state_dir);
    if (!folder || !folder.contains(kFile)) return std::nullopt;
    const auto object = common::parse_object(folder.read_file(kFile, 65536), kFile);
    const auto time = common::parse_time(common::need_text(object, "time"));
    if (!time) return std::nullopt;
    return LastCopy{*time, common::need_text(object, "generation"),
                    common::need_text(object, "drive")};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void write_last_copy(const fs::path& state_dir, const LastCopy& copy) {
  std::error_code error;
  fs::create_directories(state_dir, error);
  if (error) throw common::io_error("create", state_dir, error.value());
  common::Folder::open(state_dir).write_file(
      kFile, json::serialize(json::object{{"time", common::format_time(copy.time)},
                                          {"generation", copy.generation},
                                          {"drive", copy.drive}}) +
                 "\n");
}

std::string age_text(common::SystemTime time) {
  using std::chrono::seconds;
  const auto age = std::chrono::floor<seconds>(std::chrono::system_clock::now() - time).count();
  if (age < 0) return "in the future";
  for (const auto& [unit, name] : {std::pair{86400, "day"}, {3600, "hour"}, {60, "minute"}}) {
    const auto count = age / unit;
    if (count > 0) return fmt::format("{} {}{} ago", count, name, count == 1 ? "" : "s");
  }
  return "less than a minute ago";
}

std::string last_copy_text(const std::optional<LastCopy>& copy) {
  if (!copy) return "there has never been a copy";
  return fmt::format("the last good copy was made {} ({})", age_text(copy->time), copy->generation);
}

}  // namespace fbx::external
