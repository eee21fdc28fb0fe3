// SPDX-License-Identifier: Apache-2.0
#include "run/release.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>

#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/fs.hpp"

namespace fusebox::run {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxSize = std::size_t{64} << 20U;

fs::path release_file(const fs::path& state_dir) { return state_dir / "releases.jsonl"; }

std::string content(const fs::path& file) {
  return fs::exists(file) ? util::read_file(file, kMaxSize) : std::string();
}

json::object parse_line(std::string_view line, const fs::path& file, std::size_t number) {
  boost::system::error_code ec;
  json::value value = json::parse(line, ec);
  if (ec || !value.is_object())
    throw Error(Errc::io, fmt::format("{}:{}: not a JSON object", file.native(), number),
                "take the line out, or move the file away: only the history is lost");
  return std::move(value.get_object());
}

}  // namespace

json::object merged_release(const RunState& state) {
  json::object merged;
  for (const StepState& step : state.steps) {
    if (step.status != StepStatus::done || !step.result.is_object()) continue;
    const json::value* release = step.result.get_object().if_contains("release");
    if (release == nullptr || !release->is_object()) continue;
    for (const auto& member : release->get_object()) merged[member.key()] = member.value();
  }
  return merged;
}

void record_release(const fs::path& state_dir, const RunState& state, const json::object& release,
                    std::chrono::system_clock::time_point now) {
  const fs::path file = release_file(state_dir);
  // A line that a power cut tore never counted; the next one must not be glued to it.
  const std::string before = content(file);
  const std::size_t whole = before.rfind('\n') == std::string::npos ? 0 : before.rfind('\n') + 1;
  if (whole != before.size() && ::truncate(file.c_str(), static_cast<off_t>(whole)) != 0)
    throw system_error("shorten", file.native(), errno);
  for (const json::object& line : read_releases(state_dir))
    if (const auto* run = line.if_contains("run");
        run != nullptr && run->is_string() && run->get_string() == state.id)
      return;
  util::AppendFile(file, 0600)
      .append(json::serialize(json::object{{"time", util::rfc3339(now)},
                                           {"run", state.id},
                                           {"phase", state.phase},
                                           {"fusebox", state.version},
                                           {"release", release}}) +
              "\n");
}

std::vector<json::object> read_releases(const fs::path& state_dir) {
  const fs::path file = release_file(state_dir);
  const std::string text = content(file);
  std::vector<json::object> releases;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    releases.push_back(
        parse_line(std::string_view(text).substr(begin, end - begin), file, releases.size() + 1));
  return releases;
}

json::object last_release(const fs::path& state_dir) {
  std::vector<json::object> releases = read_releases(state_dir);
  return releases.empty() ? json::object{} : std::move(releases.back());
}

}  // namespace fusebox::run
