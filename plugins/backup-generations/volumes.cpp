// SPDX-License-Identifier: Apache-2.0
#include "volumes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fbx::backup {

namespace json = boost::json;

namespace {

// Of a plugin that cannot answer, since its service has never run here.
Source unasked(const std::string& instance, const std::string& mount) {
  Source source;
  source.instance = instance;
  source.name = instance;
  source.kind = "volume";
  source.file = mount + ".tar";
  source.by_hand = {fmt::format(
      "zstd -dc {}.zst | tar -x --numeric-owner -C <the empty volume of {}>   # as root",
      source.file, mount)};
  return source;
}

}  // namespace

VolumeMap::VolumeMap(const Op& op, const json::array* names) {
  for (Source& source : ask_each(op, silent_))
    if (source.kind == "volume") volumes_.push_back(std::move(source));
  if (names == nullptr) return;
  for (const json::value& item : *names) {
    const std::string text(item.as_string());
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error(FBX_ARGUMENT, fmt::format("\"{}\" maps no mount", text),
                  "write MOUNT=INSTANCE, or MOUNT= to leave it out");
    names_[text.substr(0, equals)] = text.substr(equals + 1);
  }
}

std::optional<Source> VolumeMap::source_of(const std::string& mount) const {
  const auto mapped = names_.find(mount);
  if (mapped != names_.end() && mapped->second.empty()) return std::nullopt;
  const auto found = std::find_if(volumes_.begin(), volumes_.end(), [&](const Source& source) {
    return mapped != names_.end() ? source.instance == mapped->second
                                  : source.name == mount || source.file == mount + ".tar";
  });
  if (found != volumes_.end()) return *found;
  if (mapped != names_.end() &&
      std::any_of(silent_.begin(), silent_.end(),
                  [&](const LeftOut& one) { return one.instance == mapped->second; }))
    return unasked(mapped->second, mount);
  std::vector<std::string> known;
  for (const Source& source : volumes_) known.push_back(source.instance);
  std::string hint = fmt::format(
      "there are: {}; say which with --map {}=INSTANCE, or leave it out "
      "with --map {}=",
      known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")), mount, mount);
  for (const LeftOut& one : silent_)
    hint += fmt::format("; {} did not answer: {}", one.instance, one.why);
  throw Error(FBX_NOT_FOUND, fmt::format("no volume of this stack is \"{}\"", mount), hint);
}

}  // namespace fbx::backup
