// SPDX-License-Identifier: Apache-2.0
#include "common/compose/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "common/result.hpp"

namespace fbx::compose {

namespace json = boost::json;

namespace {

constexpr std::string_view white = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

[[noreturn]] void not_json(std::string_view what, std::string_view why) {
  throw Error(FBX_IO, fmt::format("the answer of {} cannot be read: {}", what, why),
              "update fusebox or Compose; if that does not help, report it with both versions");
}

json::object object_of(json::value value, std::string_view what) {
  if (!value.is_object()) not_json(what, "it holds something that is no object");
  return std::move(value.get_object());
}

// The value of key= in a log line; quoted values may hold \" and \\.
std::optional<std::string> field(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + key.size());
  if (!rest.starts_with('"')) return std::string(rest.substr(0, rest.find(' ')));
  std::string value;
  for (std::size_t i = 1; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    value.push_back(rest[i]);
  }
  return value;
}

bool is_kind(std::string_view word) {
  return word == "Container" || word == "Volume" || word == "Network" || word == "Image";
}

constexpr std::array<std::string_view, 12> done_words = {
    "Created", "Started", "Running", "Healthy",   "Exited",  "Stopped",
    "Removed", "Pulled",  "Built",   "Recreated", "Skipped", "Restarted"};
constexpr std::array<std::string_view, 15> busy_words = {
    "Creating",   "Starting", "Waiting",    "Stopping",    "Removing",
    "Pulling",    "Recreate", "Restarting", "Building",    "Killing",
    "Recreating", "Error",    "Extracting", "Downloading", "Interrupted"};

bool is_status(std::string_view word) {
  return is_done(word) || std::find(busy_words.begin(), busy_words.end(), word) != busy_words.end();
}

// What to look for in Compose's text, and what it means.
struct Cause {
  std::string_view text;
  fbx_rc rc;
  std::string_view hint;
};

constexpr std::array<Cause, 26> causes = {{
    {"permission denied while trying to connect", FBX_DENIED,
     "join the group that owns the engine's socket (usually docker), or run fusebox as a user who "
     "may"},
    {"Cannot connect to the Docker daemon", FBX_UNAVAILABLE, "start the Docker engine"},
    {"error during connect", FBX_UNAVAILABLE, "start the Docker engine"},
    {"no space left on device", FBX_IO,
     "free space where the engine keeps its data: `docker system df` shows what uses it"},
    {"toomanyrequests", FBX_UNAVAILABLE, "the registry limits you: wait, or sign in to it"},
    {"manifest unknown", FBX_NOT_FOUND, "mend the image's tag or digest in the versions file"},
    {"manifest for", FBX_NOT_FOUND, "mend the image's tag or digest in the versions file"},
    {"pull access denied", FBX_DENIED, "mend the image's name, or sign in to its registry"},
    {"failed to resolve reference", FBX_NOT_FOUND,
     "mend the image's name, or the connection to its registry"},
    {"No such image", FBX_NOT_FOUND, "pull it first: `fusebox pull`"},
    {"TLS handshake timeout", FBX_UNAVAILABLE, "look at the connection to the registry"},
    {"i/o timeout", FBX_UNAVAILABLE, "look at the connection to the registry"},
    {"connection refused", FBX_UNAVAILABLE, "look at the registry, or the connection to it"},
    {"repository does not exist", FBX_NOT_FOUND,
     "mend the image's name, or sign in to its registry"},
    {"no such host", FBX_UNAVAILABLE, "look at the name service and the connection"},
    {"port is already allocated", FBX_CONFLICT,
     "another container publishes this port: stop it, or choose another port"},
    {"address already in use", FBX_CONFLICT,
     "another program listens on this port: stop it, or choose another port"},
    {"is unhealthy", FBX_FAILED, "`fusebox logs` of that service tells why"},
    {"dependency failed to start", FBX_FAILED, "`fusebox logs` of that service tells why"},
    {"exited (", FBX_FAILED, "`fusebox logs` of that service tells why"},
    {"declared as external", FBX_NOT_FOUND,
     "`fusebox preflight` creates missing external networks"},
    {"required variable", FBX_CONFIG, "set it in the plugin's `environment` or an env file"},
    {"couldn't find env file", FBX_CONFIG, "mend `env_files` in the plugin's settings"},
    {"no such file or directory", FBX_CONFIG, "mend `files` in the plugin's settings"},
    {"yaml: ", FBX_CONFIG, "mend the Compose file"},
    {"validating ", FBX_CONFIG, "mend the Compose file"},
}};

// A line that tells why something failed, rather than how far it came.
bool is_telling(std::string_view line) {
  if (trimmed(line).empty() || parse_progress(line)) return false;
  const auto log = parse_log_line(line);
  return !log || log->level == "error" || log->level == "fatal";
}

}  // namespace

std::vector<json::object> parse_objects(std::string_view text, std::string_view what) {
  std::vector<json::object> objects;
  text = trimmed(text);
  json::error_code error;
  if (text.starts_with('[')) {
    const json::value list = json::parse(text, error);
    if (error) not_json(what, error.message());
    for (const json::value& item : list.get_array()) objects.push_back(object_of(item, what));
    return objects;
  }
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    json::value value = json::parse(text.substr(0, end), error);
    if (error) not_json(what, error.message());
    objects.push_back(object_of(std::move(value), what));
    text = trimmed(text.substr(end));
  }
  return objects;
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  if (!line.starts_with("time=")) return std::nullopt;
  auto level = field(line, " level=");
  auto message = field(line, " msg=");
  if (!level || !message) return std::nullopt;
  return LogLine{*std::move(level), *std::move(message)};
}

std::optional<std::string> unset_variable(std::string_view message) {
  constexpr std::string_view end = "variable is not set";
  const std::size_t at = message.find(end);
  if (at == std::string_view::npos || !message.starts_with("The ")) return std::nullopt;
  std::string_view name = trimmed(message.substr(4, at - 4));
  while (!name.empty() && name.front() == '"') name.remove_prefix(1);
  while (!name.empty() && name.back() == '"') name.remove_suffix(1);
  return std::string(name);
}

bool is_done(std::string_view status) {
  return std::find(done_words.begin(), done_words.end(), status) != done_words.end();
}

std::optional<ProgressLine> parse_progress(std::string_view line) {
  if (!line.starts_with(' ')) return std::nullopt;
  line = trimmed(line);
  ProgressLine progress;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  if (is_kind(line.substr(0, space))) {
    progress.kind = line.substr(0, space);
    line = trimmed(line.substr(space));
  }
  const std::size_t end = line.find(' ');
  if (end == std::string_view::npos) return std::nullopt;
  progress.name = line.substr(0, end);
  const std::string_view status = trimmed(line.substr(end));
  const std::string_view word = status.substr(0, status.find(' '));
  if (!is_status(word)) return std::nullopt;
  progress.status = word;
  if (progress.name.size() >= 2 && progress.name.front() == '"' && progress.name.back() == '"')
    progress.name = progress.name.substr(1, progress.name.size() - 2);
  return progress;
}

std::optional<ComposeVersion> parse_version(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('v')) text.remove_prefix(1);
  ComposeVersion version;
  const char* const end = text.data() + text.size();
  const auto [dot, first] = std::from_chars(text.data(), end, version.major);
  if (first != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, version.minor).ec != std::errc{}) return std::nullopt;
  return version;
}

Error explain_failure(std::string_view doing, int exit_code, const std::vector<std::string>& said) {
  std::vector<std::string> telling;
  for (const std::string& line : said)
    if (is_telling(line)) {
      const auto log = parse_log_line(line);
      telling.push_back(log ? log->message : common::one_line(line));
    }
  constexpr std::size_t most = 3;
  if (telling.size() > most) telling.erase(telling.begin(), telling.end() - most);
  const std::string text = telling.empty()
                               ? fmt::format("{} ended with code {}", doing, exit_code)
                               : fmt::format("{}: {}", doing, fmt::join(telling, " | "));
  for (const Cause& cause : causes)
    for (const std::string& line : telling)
      if (line.find(cause.text) != std::string::npos)
        return {cause.rc, text, std::string(cause.hint)};
  return {FBX_IO, text, "`fusebox preflight` checks the engine, Compose and the configuration"};
}

}  // namespace fbx::compose
