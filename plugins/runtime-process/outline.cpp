// SPDX-License-Identifier: Apache-2.0
#include "outline.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "net.hpp"
#include "staged.hpp"

namespace runtime_process {
namespace {

struct Problems {
  fbx_rc rc = FBX_OK;
  std::vector<std::string> texts;
  std::vector<std::string> hints;

  void add(fbx_rc code, std::string text, std::string hint) {
    if (texts.empty()) rc = code;
    texts.push_back(std::move(text));
    if (!hint.empty() && std::find(hints.begin(), hints.end(), hint) == hints.end())
      hints.push_back(std::move(hint));
  }
  void add(const fbx::Error& e) { add(e.rc(), e.what(), e.hint()); }
  void raise() const {
    if (!texts.empty())
      throw fbx::Error(rc, fmt::format("{}", fmt::join(texts, "; ")),
                       fmt::format("{}", fmt::join(hints, "; ")));
  }
};

fs::path nearest_existing(fs::path path) {
  while (!path.empty() && path != path.root_path() && ::access(path.c_str(), F_OK) != 0)
    path = path.parent_path();
  return path;
}

// Could the user pass through all the folders that are there already?
void check_reachable(const fs::path& folder, const Account& account, Problems& problems) {
  if (!account.drop) return;
  for (fs::path path = nearest_existing(folder); !path.empty(); path = path.parent_path()) {
    struct ::stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      const bool passes = status.st_uid == account.uid   ? (status.st_mode & S_IXUSR) != 0
                          : status.st_gid == account.gid ? (status.st_mode & S_IXGRP) != 0
                                                         : (status.st_mode & S_IXOTH) != 0;
      if (!passes)
        problems.add(FBX_CONFIG,
                     fmt::format("user {} cannot pass through {} (mode {:o}) to {}", account.name,
                                 path.string(), status.st_mode & 07777U, folder.string()),
                     "set the runtime's data_dir to a folder such as /var/lib/fusebox/demo");
    }
    if (path == path.root_path()) break;
  }
}

void check_writable(const fs::path& data_dir, Problems& problems) {
  const fs::path base = nearest_existing(data_dir);
  if (::access(base.c_str(), W_OK | X_OK) != 0)
    problems.add(FBX_DENIED, fmt::format("cannot write to {}", base.string()),
                 "set the runtime's data_dir to a folder of yours");
}

void check_space(const Settings& settings, Problems& problems) {
  const fs::path base = nearest_existing(settings.data_dir);
  struct ::statvfs status {};
  if (::statvfs(base.c_str(), &status) != 0) return;
  const std::uint64_t free =
      static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_frsize);
  if (free < settings.min_free)
    problems.add(FBX_CONFLICT,
                 fmt::format("{} has {} MiB free, min_free asks for {} MiB", base.string(),
                             free >> 20U, settings.min_free >> 20U),
                 "free some space, or lower the runtime's min_free");
}

void check_ports(const Settings& settings, const Definition& definition,
                 const std::optional<Record>& running, std::set<int>& taken, Problems& problems) {
  for (const Port& port : definition.ports) {
    if (!taken.insert(port.number).second) {
      problems.add(FBX_CONFIG, fmt::format("port {} is given to two services", port.number),
                   "give each its own");
      continue;
    }
    const auto is_same = [&](const Port& other) { return other.number == port.number; };
    if (running &&
        std::any_of(running->definition.ports.begin(), running->definition.ports.end(), is_same))
      continue;
    std::string why;
    if (!can_listen(port.host, port.number, why))
      problems.add(
          FBX_CONFLICT,
          fmt::format("service {}: port {} on {} is not free: {}", definition.service, port.number,
                      port.host, why),
          settings.scratch.empty()
              ? fmt::format("stop what uses it, or set services.{}.ports.{}.port to another",
                            definition.service, port.name)
              : "somebody has just taken it: try again, and another one is used");
  }
}

void check_volume(const Settings& settings, const Service& service, Volumes volumes, Move& move,
                  Problems& problems) {
  if (volume_complete(settings, service)) return;
  if (const std::string tag = interrupted_turn(settings, service.name); !tag.empty()) {
    problems.add(FBX_CONFLICT,
                 fmt::format("service {}: its data is not in place, for restore {} was interrupted",
                             service.name, tag),
                 "finish or undo the restore: fusebox recover");
    return;
  }
  std::error_code ignored;
  const fs::path volume = settings.volume(service.name);
  if (fs::exists(volume) && !fs::is_empty(volume, ignored))
    problems.add(FBX_CONFLICT,
                 fmt::format("service {}: {} holds something but no {}, so it is not its data",
                             service.name, volume.string(), service.init->creates),
                 fmt::format("look at it, then move it away: {}", volume.string()));
  else if (volumes == Volumes::must_exist)
    problems.add(FBX_NOT_FOUND, fmt::format("service {} has no data yet", service.name),
                 "bring it up first: fusebox up");
  move.creates_volume = true;
  move.runs_init = service.init.has_value();
}

void add_with_dependencies(const Settings& settings, const std::string& name,
                           std::set<std::string>& wanted) {
  if (!wanted.insert(name).second) return;
  for (const std::string& other : settings.service(name).depends_on)
    add_with_dependencies(settings, other, wanted);
}

void decide(Move& move, const Status& status, bool stopping) {
  if (status.state != State::running) {
    move.kind = Move::Kind::start;
  } else if (status.record->hash != move.definition.hash()) {
    move.kind = Move::Kind::restart;
    move.why = "its configuration changed";
  } else if (stopping) {
    move.kind = Move::Kind::restart;
    move.why = "it was told to stop";
  } else if (!status.record->shim_alive()) {
    move.kind = Move::Kind::restart;
    move.why = "its fusebox-shim is gone, so nobody keeps its log";
  }
}

}  // namespace

Outline outline_up(const Settings& settings, const std::vector<std::string>& services,
                   Volumes volumes) {
  std::set<std::string> wanted;
  for (const std::string& name : services) add_with_dependencies(settings, name, wanted);
  Outline outline;
  Problems problems;
  std::set<int> taken;
  for (const Service& service : settings.services) {
    if (!wanted.empty() && !wanted.contains(service.name)) continue;
    Move move;
    move.service = &service;
    try {
      move.definition = resolve(settings, service);
      check_volume(settings, service, volumes, move, problems);
      if (move.runs_init) resolve_init(settings, service, init_dir(settings, service.name));
    } catch (const fbx::Error& e) {
      if (e.rc() == FBX_NOT_FOUND && service.optional)
        outline.left_out.push_back(fmt::format("{}: {}", service.name, e.what()));
      else
        problems.add(e);
      continue;
    }
    const Status status = status_of(settings, service.name);
    decide(move, status, is_stopping(settings, service.name));
    check_ports(settings, move.definition,
                status.state == State::running ? status.record : std::nullopt, taken, problems);
    check_reachable(settings.data_dir, move.definition.account, problems);
    outline.moves.push_back(std::move(move));
  }
  check_writable(settings.data_dir, problems);
  if (std::any_of(outline.moves.begin(), outline.moves.end(),
                  [](const Move& move) { return move.kind != Move::Kind::keep; }))
    check_space(settings, problems);
  problems.raise();
  return outline;
}

std::vector<std::string> describe(const Outline& outline) {
  std::vector<std::string> lines;
  for (const Move& move : outline.moves) {
    const std::string& name = move.service->name;
    if (move.kind == Move::Kind::keep) continue;
    if (move.creates_volume)
      lines.push_back(fmt::format("create the data folder of {}{}: {}", name,
                                  move.runs_init ? " and initialise it" : "",
                                  move.definition.data.string()));
    const Port* port = main_port(*move.service);
    lines.push_back(fmt::format(
        "{} {}{}{}{}", move.kind == Move::Kind::start ? "start" : "restart", name,
        port != nullptr ? fmt::format(" on port {}", port->number) : "",
        move.definition.account.drop ? fmt::format(" as user {}", move.definition.account.name)
                                     : "",
        move.why.empty() ? "" : fmt::format(" ({})", move.why)));
  }
  return lines;
}

std::vector<const Service*> select(const Settings& settings,
                                   const std::vector<std::string>& services) {
  for (const std::string& name : services) settings.service(name);
  std::vector<const Service*> selected;
  for (const Service& service : settings.services)
    if (services.empty() ||
        std::find(services.begin(), services.end(), service.name) != services.end())
      selected.push_back(&service);
  return selected;
}

}  // namespace runtime_process
