// SPDX-License-Identifier: Apache-2.0
#include "scan_request.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace fusebox::scan {

namespace fs = std::filesystem;
namespace common = fbx::common;
namespace json = boost::json;

namespace {

fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return fs::path(cache) / "fusebox" / "scanner";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".cache" / "fusebox" / "scanner";
  return {};
}

// In the stack's folder where there is one, as short as it goes: it is a part of fingerprints.
fs::path default_path(const common::Context& context) {
  std::error_code error;
  if (!fs::is_regular_file(context.config_file, error)) return ".";
  const fs::path relative = fs::path(context.config_dir).lexically_proximate(fs::current_path());
  return relative.empty() ? fs::path(".") : relative;
}

// Of the working folder, or of the configuration's where it is there alone.
fs::path file_of(const std::string& text, const common::Context& context) {
  std::error_code error;
  const fs::path file = text;
  if (text.empty() || file.is_absolute() || fs::exists(file, error)) return file;
  const fs::path beside = fs::path(context.config_dir) / file;
  return fs::exists(beside, error) ? beside : file;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> list;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    if (space > at) list.push_back(text.substr(at, space - at));
    at = space + 1;
  }
  return list;
}

Source source_of(const json::object& with) {
  std::vector<std::pair<Source, std::string>> given;
  const auto flag = [&](std::string_view name, Source source) {
    if (common::need_boolean(with, name)) given.emplace_back(source, name);
  };
  const auto text = [&](std::string_view name, Source source) {
    if (!common::need_text(with, name).empty()) given.emplace_back(source, name);
  };
  flag("staged", Source::staged);
  flag("unstaged", Source::unstaged);
  flag("history", Source::history);
  flag("stdin", Source::input);
  text("since", Source::since);
  text("log-opts", Source::log);
  if (given.size() > 1)
    throw fbx::Error(FBX_ARGUMENT,
                     fmt::format("{} and {} exclude each other", given[0].second, given[1].second),
                     "scan twice");
  return given.empty() ? Source::folder : given.front().first;
}

Engine engine_of(const std::string& name) {
  if (name == "gitleaks") return Engine::gitleaks;
  return name == "verify" ? Engine::verify : Engine::builtin;
}

unsigned percent(std::int64_t number) {
  if (number < 0) throw fbx::Error(FBX_ARGUMENT, "redact is below 0", "use 0 to 100");
  return static_cast<unsigned>(std::min<std::int64_t>(number, 100));
}

}  // namespace

fs::path own_rules() {
  static const char anchor = 0;
  ::Dl_info info{};
  if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) return {};
  const fs::path library = fs::absolute(info.dli_fname);
  // lib/fusebox/plugins/<library>
  return (library.parent_path() / "../../.." / "share/fusebox/configs/scanner/rules.toml")
      .lexically_normal();
}

RulesOptions rules_options(const common::Context& context) {
  RulesOptions options;
  const std::string rules = common::need_text(context.config, "default_rules");
  options.default_rules = rules.empty() ? own_rules() : file_of(rules, context);
  options.cache = cache_folder();
  return options;
}

fs::path scan_path(const common::Context& context, const common::StepRequest& request) {
  const std::string path = common::need_text(request.with, "path");
  return path.empty() ? default_path(context) : fs::path(path);
}

ScanRequest scan_request(const common::Context& context, const common::StepRequest& request) {
  const json::object& with = request.with;
  const auto number = [&](std::string_view name) {
    return static_cast<int>(common::need_integer(with, name));
  };
  ScanRequest scan;
  scan.source = source_of(with);
  scan.engine = engine_of(
      common::text_at(with, "engine").value_or(common::need_text(context.config, "engine")));
  scan.path = scan_path(context, request);
  scan.revision = common::need_text(with, "since");
  scan.log_options = words(common::need_text(with, "log-opts"));
  scan.config = file_of(common::need_text(with, "rules"), context);
  scan.format = common::text_at(with, "format").value_or("");
  if (const std::string output = common::need_text(with, "output"); !output.empty())
    scan.output = fs::absolute(output);
  if (!scan.output.empty() && scan.format.empty())
    throw fbx::Error(FBX_ARGUMENT, "a report needs a format", "add --format json");
  scan.rules = rules_options(context);
  if (const auto* list = common::array_at(with, "enable-rule"))
    for (const json::value& id : *list) scan.rules.enable.emplace_back(id.as_string());
  Options& options = scan.options;
  options.max_decode_depth = number("max-decode-depth");
  options.max_archive_depth = number("max-archive-depth");
  options.max_target_megabytes = number("max-target-megabytes");
  options.follow_symlinks = common::need_boolean(with, "follow-symlinks");
  options.ignore_allow_comments = common::need_boolean(with, "ignore-gitleaks-allow");
  options.redact = percent(common::need_integer(with, "redact"));
  options.threads = static_cast<unsigned>(std::max(0, number("threads")));
  options.config = scan.config;
  options.ignore = common::need_text(with, "ignore");
  options.baseline = file_of(common::need_text(with, "baseline"), context);
  options.cache = scan.rules.cache;
  options.platform = common::text_at(with, "platform").value_or("");
  return scan;
}

}  // namespace fusebox::scan
