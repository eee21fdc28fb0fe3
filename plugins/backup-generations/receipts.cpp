// SPDX-License-Identifier: Apache-2.0
#include "receipts.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <vector>

#include "common/io.hpp"
#include "common/time_text.hpp"
#include "generation.hpp"

namespace fbx::backup {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kMaxSize = 16U << 20U;
constexpr std::size_t kKeep = 1000;

fs::path file_of(const common::Context& context) {
  const std::string& folder =
      context.live_state_dir.empty() ? context.state_dir : context.live_state_dir;
  return fs::path(folder) / "drills.jsonl";
}

// Whole lines alone.
std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  if (!fs::exists(file)) return lines;
  const std::string text = common::read_file(file, kMaxSize);
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

}  // namespace

std::string write_receipt(const Op& op, const common::Context& context, const Session& session) {
  const auto now = std::chrono::system_clock::now();
  const auto began = common::parse_time(session.started).value_or(now);
  const Generation generation = find_generation(op, session.generation);
  json::array sources;
  for (const Target& target : session.targets) sources.emplace_back(target.source);
  const json::object receipt{
      {"time", common::format_time(now)},
      {"stack", context.stack},
      {"generation", generation.name},
      {"generation_time", generation.time},
      {"bytes", common::integer_at(generation.manifest, "bytes").value_or(0)},
      {"recovery_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now - began).count()},
      {"sources", std::move(sources)},
      {"run", session.run}};
  const fs::path file = file_of(context);
  auto lines = lines_of(file);
  lines.push_back(json::serialize(receipt));
  std::string text;
  for (std::size_t i = lines.size() - std::min(lines.size(), kKeep); i < lines.size(); ++i)
    text += lines[i] + "\n";
  fs::create_directories(file.parent_path());
  common::write_file(file, text);
  return file.string();
}

json::object last_receipt(const common::Context& context) {
  const auto lines = lines_of(file_of(context));
  return lines.empty() ? json::object{}
                       : common::parse_object(lines.back(), file_of(context).string(), FBX_IO);
}

}  // namespace fbx::backup
