// SPDX-License-Identifier: Apache-2.0
#include "offer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "common/time_text.hpp"

namespace fbx::external {

namespace {

namespace json = boost::json;
using store::Generation;

Generation generation_of(const json::object& object) {
  Generation one;
  one.name = common::need_text(object, "generation");
  one.time = common::text_at(object, "time").value_or("");
  one.pin = common::text_at(object, "pin").value_or("");
  one.problem = common::text_at(object, "problem").value_or("");
  try {
    if (const auto* manifest = common::object_at(object, "manifest")) one.manifest = *manifest;
    one.sequence = static_cast<std::uint64_t>(common::need_integer(one.manifest, "sequence"));
    one.files = store::files_of(one.manifest);
    for (const auto& file : one.files) one.stored_bytes += file.stored_bytes;
  } catch (const Error& error) {
    if (one.problem.empty()) one.problem = error.what();
  }
  return one;
}

using ByName = std::map<std::string, const Generation*>;

ByName by_name(const std::vector<Generation>& generations) {
  ByName found;
  for (const Generation& one : generations) found[one.name] = &one;
  return found;
}

// What to add to the store's numbers to get the drive's. They are the same until a new store begins
// again at 1: what it makes is newer than all that the drive has.
std::uint64_t offset_of(const std::vector<Generation>& store,
                        const std::vector<Generation>& drive) {
  const ByName there = by_name(drive);
  std::uint64_t first = UINT64_MAX;
  for (const Generation& one : store) {
    if (!one.problem.empty()) continue;
    const auto twin = there.find(one.name);
    if (twin != there.end() && twin->second->sequence >= one.sequence)
      return twin->second->sequence - one.sequence;
    first = std::min(first, one.sequence);
  }
  std::uint64_t last = 0;
  for (const Generation& one : drive) last = std::max(last, one.sequence);
  return last < first ? 0 : last + 1 - first;
}

std::chrono::sys_seconds time_of(const std::string& text) {
  const auto time = common::parse_time(text);
  return time ? std::chrono::floor<std::chrono::seconds>(*time) : std::chrono::sys_seconds{};
}

}  // namespace

Offer ask_store(const Op& op) {
  const auto answer = common::parse_object(op.store().list(), "the store's list");
  Offer offer;
  offer.where = common::text_at(answer, "where").value_or("");
  if (const auto* list = common::array_at(answer, "generations"))
    for (const json::value& item : *list)
      offer.generations.push_back(generation_of(item.as_object()));
  return offer;
}

std::vector<common::Verdict> judge(const std::vector<Generation>& generations,
                                   const common::KeepPolicy& rules) {
  if (rules.empty()) return {};
  std::vector<common::Candidate> candidates;
  for (const Generation& one : generations)
    candidates.push_back({one.name, time_of(one.time), one.sequence, one.pin, one.problem.empty()});
  return common::judge(std::move(candidates), rules,
                       std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

Agenda make_agenda(const Offer& offer, const std::vector<Generation>& drive,
                   const common::KeepPolicy& rules) {
  Agenda agenda;
  const ByName there = by_name(drive);
  const std::uint64_t offset = offset_of(offer.generations, drive);
  std::vector<Generation> united = drive;
  for (const Generation& one : offer.generations) {
    const auto found = there.find(one.name);
    const Generation* twin = found == there.end() ? nullptr : found->second;
    const bool is_there = twin != nullptr && twin->problem.empty();
    if (!one.problem.empty()) {
      if (!is_there) agenda.damaged.push_back(one);
      continue;
    }
    if (agenda.newest.empty()) agenda.newest = one.name;
    if (is_there) {
      if (twin->pin.empty() && !one.pin.empty()) {
        agenda.pins.push_back(*twin);
        agenda.pins.back().pin = one.pin;
      }
      continue;
    }
    Task task{one, twin != nullptr};
    task.generation.sequence += offset;
    task.generation.manifest["sequence"] = task.generation.sequence;
    std::erase_if(united, [&](const Generation& old) { return old.name == one.name; });
    united.push_back(task.generation);
    agenda.copy.push_back(std::move(task));
  }
  // What the rules would remove at once is not copied.
  std::set<std::string> unwanted;
  for (const auto& verdict : judge(united, rules))
    if (!verdict.keep) unwanted.insert(verdict.name);
  std::erase_if(agenda.copy,
                [&](const Task& task) { return unwanted.contains(task.generation.name); });
  for (const Task& task : agenda.copy) agenda.bytes += task.generation.stored_bytes;
  for (auto& verdict : judge(drive, rules))
    if (!verdict.keep) agenda.remove.push_back(std::move(verdict));

  const ByName offered = by_name(offer.generations);
  for (const Generation& one : drive) {
    agenda.whole += one.problem.empty() ? 1 : 0;
    agenda.kept += offered.contains(one.name) ? 0 : 1;
  }
  return agenda;
}

}  // namespace fbx::external
