// SPDX-License-Identifier: Apache-2.0
// What Compose writes, read strictly: what is not understood is an error, never an empty answer.
#pragma once

#include <boost/json/object.hpp>
#include <fusebox/plugin.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fbx::compose {

// The objects in the answer of `--format json`: one array, or (since Compose 2.21) one object per
// line. Throws Error{FBX_IO} for anything else; nothing at all is an empty list.
std::vector<boost::json::object> parse_objects(std::string_view text, std::string_view what);

// One of Compose's own messages: time="..." level=warning msg="..."
struct LogLine {
  std::string level;
  std::string message;
};
std::optional<LogLine> parse_log_line(std::string_view line);

// NAME, of a warning that the variable NAME has no value and counts as empty.
std::optional<std::string> unset_variable(std::string_view message);

// " Container langfuse-redis-1  Started", " redis Pulled", " Network x  Created"
struct ProgressLine {
  std::string kind;  // "Container", "Volume", "Network", "Image"; empty: a service or a layer
  std::string name;
  std::string status;  // "Started"
};
std::optional<ProgressLine> parse_progress(std::string_view line);

// Does that status mean that the thing is done with?
bool is_done(std::string_view status);

// "2.40.3" as numbers; a leading v and what follows the numbers are passed over.
struct ComposeVersion {
  int major = 0;
  int minor = 0;
  friend bool operator==(const ComposeVersion&, const ComposeVersion&) = default;
  friend bool operator<(const ComposeVersion& a, const ComposeVersion& b) {
    return a.major != b.major ? a.major < b.major : a.minor < b.minor;
  }
};
std::optional<ComposeVersion> parse_version(std::string_view text);

// Why Compose failed, from the last things it said: with the code for what the operator does next,
// and a hint. `doing`: "docker compose up".
Error explain_failure(std::string_view doing, int exit_code, const std::vector<std::string>& said);

}  // namespace fbx::compose
