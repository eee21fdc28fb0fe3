// SPDX-License-Identifier: Apache-2.0
#include "sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/beside.hpp"
#include "common/json.hpp"

namespace fbx::backup {

namespace {

namespace json = boost::json;

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  if (const auto* list = common::array_at(object, key))
    for (const json::value& item : *list)
      if (item.is_string()) texts.emplace_back(item.get_string());
  return texts;
}

Source source_of(const std::string& instance, const json::object& object) {
  return {instance,
          common::need_text(object, "name"),
          common::text_at(object, "kind").value_or(""),
          common::need_text(object, "file"),
          common::text_at(object, "service").value_or(""),
          common::integer_at(object, "order").value_or(0),
          common::integer_at(object, "bytes").value_or(0),
          texts_at(object, "pause"),
          texts_at(object, "by_hand")};
}

void ask(const Op& op, const std::string& instance, std::vector<Source>& sources) {
  const auto answer =
      common::parse_object(op.snapshot(instance).sources(), "the sources of " + instance);
  if (const auto* list = common::array_at(answer, "sources"))
    for (const json::value& item : *list) sources.push_back(source_of(instance, item.as_object()));
}

// Two sources of one name or file would overwrite each other.
void require_distinct(const std::vector<Source>& sources) {
  std::set<std::string> names;
  std::set<std::string> files;
  for (const Source& source : sources)
    if (!names.insert(source.name).second || !files.insert(source.file).second)
      throw Error(FBX_CONFIG,
                  fmt::format("two plugins capture \"{}\" as {}", source.name, source.file),
                  "remove one of them from the configuration");
}

}  // namespace

std::vector<std::string> snapshot_instances(const Op& op) {
  return texts_at(common::parse_object(op.providers(FBX_IFACE_SNAPSHOT), "the host's answer"),
                  "instances");
}

std::vector<Source> ask_each(const Op& op, std::vector<LeftOut>& silent) {
  std::vector<Source> sources;
  for (const std::string& instance : snapshot_instances(op)) {
    try {
      ask(op, instance, sources);
    } catch (const Reported& reported) {
      op.check("asking for sources");
      silent.push_back({instance, common::error_of(reported).what()});
    }
  }
  return sources;
}

Offer ask_sources(const Op& op) {
  Offer offer;
  for (const std::string& instance : snapshot_instances(op)) {
    try {
      ask(op, instance, offer.sources);
    } catch (const Reported& reported) {
      const Error error = common::error_of(reported);
      if (error.rc() != FBX_SKIPPED)
        throw Error(error.rc(),
                    fmt::format("asking {} what it captures: {}", instance, error.what()),
                    error.hint());
      offer.left_out.push_back({instance, error.what()});
    }
  }
  if (offer.sources.empty())
    throw Error(FBX_CONFIG, "there is nothing to back up: no plugin of this stack captures data",
                "add [plugins.snapshot-postgres] and its like to the configuration");
  require_distinct(offer.sources);
  std::stable_sort(offer.sources.begin(), offer.sources.end(),
                   [](const Source& a, const Source& b) { return a.order < b.order; });
  return offer;
}

}  // namespace fbx::backup
