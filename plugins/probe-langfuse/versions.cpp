// SPDX-License-Identifier: Apache-2.0
#include "versions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <fusebox/plugin.hpp>
#include <iterator>

#include "common/dotenv.hpp"
#include "common/probe.hpp"

namespace fbx::langfuse {

namespace {

std::string_view without_v(std::string_view version) {
  if (version.size() > 1 && version.front() == 'v') version.remove_prefix(1);
  return version;
}

bool is_number(std::string_view version) {
  return !version.empty() && std::isdigit(static_cast<unsigned char>(version.front())) != 0;
}

std::string_view major_of(std::string_view version) { return version.substr(0, version.find('.')); }

std::string value_of(const common::Dotenv& lock, std::string_view key) {
  const common::DotenvEntry* entry = lock.find(key);
  return entry == nullptr ? std::string{} : std::string(entry->value.view());
}

}  // namespace

std::string tag_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  // A colon before a slash is of a registry's port.
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash))
    return {};
  return std::string(image.substr(colon + 1));
}

Locked read_locked(const std::string& file, std::string_view web_key, std::string_view worker_key) {
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in)
    throw Error(FBX_CONFIG, fmt::format("cannot read the file of versions {}", file),
                "[stack] versions in the config names it; `fusebox init` writes one");
  try {
    const common::Dotenv lock = common::parse_dotenv(text, file);
    return {tag_of(value_of(lock, web_key)), tag_of(value_of(lock, worker_key))};
  } catch (const common::DotenvError& e) {
    throw Error(FBX_CONFIG, e.what(), "each line of it is KEY=image:version");
  }
}

bool is_locked_version(std::string_view running, std::string_view locked) {
  running = without_v(running);
  locked = without_v(locked);
  return running == locked || running.starts_with(fmt::format("{}.", locked));
}

Change change_between(std::string_view from, std::string_view to) {
  from = without_v(from);
  to = without_v(to);
  if (!is_number(from) || !is_number(to) || is_locked_version(from, to)) return Change::none;
  if (common::version_at_least(to, from)) return Change::update;
  return common::version_at_least(major_of(to), major_of(from)) ? Change::downgrade
                                                                : Change::major_downgrade;
}

void judge_locked(const Locked& locked, common::Result& result) {
  using common::Severity;
  if (locked.web != locked.worker) {
    result.add({Severity::error,
                "the file of versions pins two versions of Langfuse",
                fmt::format("langfuse-web {}, langfuse-worker {}",
                            locked.web.empty() ? "has none" : locked.web,
                            locked.worker.empty() ? "has none" : locked.worker),
                "give both images the same tag: they share one schema",
                {}});
    return;
  }
  if (locked.web.empty() || locked.web.find('.') != std::string::npos) return;
  result.add({Severity::warning,
              "the file of versions pins a tag that moves",
              locked.web,
              "name the whole version (4.16.0): the next pull may bring another one otherwise",
              {}});
}

}  // namespace fbx::langfuse
