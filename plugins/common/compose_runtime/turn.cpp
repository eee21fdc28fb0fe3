// SPDX-License-Identifier: Apache-2.0
#include "common/compose_runtime/turn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <optional>

#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/volume_io.hpp"

namespace fbx::compose_runtime {

namespace {

enum class Standing { nothing, unfinished, staged, turning, live, settled };

// What a tag has in a volume.
struct Beside {
  Standing standing = Standing::nothing;
  std::optional<common::ArchiveRoot> content;  // new/ or turning/
  std::optional<common::ArchiveRoot> old;

  bool has_moved() const {
    return standing == Standing::turning || standing == Standing::live || (old && !old->empty);
  }
};

std::string need_tag(const json::object& request) {
  std::string tag = common::text_at(request, "tag").value_or("");
  const bool is_good = !tag.empty() && tag.size() <= 64 &&
                       tag.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == tag.npos;
  if (!is_good)
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is no tag", tag),
                "a tag is made of lower-case letters and digits");
  return tag;
}

std::string folder_of(const std::string& tag) { return fmt::format("{}/{}", beside_folder, tag); }

// ---- The scripts --------------------------------------------------------------------------------

// Names may hold anything; only the shell's own patterns find those that begin with a dot.
constexpr std::string_view functions = R"(set -eu
move_all() {{
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    name=${{entry##*/}}
    if [ "$name" = {0} ]; then continue; fi
    if [ ! -e "$entry" ] && [ ! -L "$entry" ]; then continue; fi
    if [ -e "$2/$name" ] || [ -L "$2/$name" ]; then
      echo "$name is there twice, in $1 and in $2"
      exit 1
    fi
    mv "$entry" "$2/"
  done
}}
tag={0}/{1}
)";

class Script {
 public:
  explicit Script(const std::string& tag) : text_(fmt::format(functions, beside_folder, tag)) {}

  Script& move_all(std::string_view from, std::string_view to) {
    return add(fmt::format("move_all {} {}", from, to));
  }
  Script& rename(std::string_view from, std::string_view to) {
    return add(fmt::format("mv \"$tag/{}\" \"$tag/{}\"", from, to));
  }
  Script& dress_root(const common::ArchiveRoot& as) {
    return add(fmt::format("chown {}:{} .", as.uid, as.gid))
        .add(fmt::format("chmod {:o} .", as.mode));
  }
  // `whole` goes first: what is half removed must not count as staged. settled/ goes last.
  Script& remove_tag() {
    return add("rm -f \"$tag/whole\"")
        .add("rm -rf \"$tag/old\" \"$tag/new\"")
        .add("rm -rf \"$tag\"")
        .add(fmt::format("rm -f {}/staged", beside_folder))
        .add(fmt::format("if [ -z \"$(ls -A {0})\" ]; then rm -rf {0}; fi", beside_folder));
  }
  const std::string& text() const { return text_; }

 private:
  Script& add(std::string_view line) {
    text_ += line;
    text_ += '\n';
    return *this;
  }
  std::string text_;
};

constexpr std::string_view old_folder = "\"$tag/old\"";
constexpr std::string_view turning_folder = "\"$tag/turning\"";
constexpr std::string_view root_folder = ".";

// ---- What is there ------------------------------------------------------------------------------

class Place {
 public:
  Place(docker::Engine& engine, const VolumeUse& volume, std::string_view project,
        const std::string& tag)
      : engine_(engine), volume_(volume), tag_(tag), carrier_(engine, volume, project, Reuse::no) {}

  Beside look() const {
    Beside beside;
    if (!at("")) return beside;
    beside.old = at("old");
    if (at("settled")) {
      beside.standing = Standing::settled;
    } else if (at("live")) {
      beside.standing = Standing::live;
    } else if ((beside.content = at("turning"))) {
      beside.standing = Standing::turning;
    } else {
      beside.content = at("new");
      beside.standing = beside.content && at("whole") ? Standing::staged : Standing::unfinished;
    }
    return beside;
  }

  common::ArchiveTotals stage(int fd) {
    const auto root = look_into(engine_, carrier_.id(), carrier_.folder());
    if (!root) throw Error(FBX_INTERNAL, fmt::format("volume {} has no root", volume_.key));
    const std::string folder = folder_of(tag_);
    put_entries(engine_, carrier_.id(), carrier_.folder(),
                {{fmt::format("{}/", beside_folder)},
                 {folder + "/"},
                 {folder + "/old/", "", root->mode, root->uid, root->gid},
                 {folder + "/new/", "", root->mode, root->uid, root->gid}});
    auto totals = fill(engine_, carrier_, folder + "/new", fd, "staging " + volume_.key);
    put_entries(
        engine_, carrier_.id(), carrier_.folder(),
        {{fmt::format("{}/staged", beside_folder), fmt::format("{} {}", tag_, totals.bytes), 0600},
         {folder + "/whole", "", 0600}});
    return totals;
  }

  void run(const Script& script, std::string_view doing) {
    carrier_.run(script.text(), fmt::format("{} volume {}", doing, volume_.key));
  }

 private:
  std::optional<common::ArchiveRoot> at(std::string_view name) const {
    return look_into(engine_, carrier_.id(),
                     fmt::format("{}/{}{}{}", carrier_.folder(), folder_of(tag_),
                                 name.empty() ? "" : "/", name));
  }

  docker::Engine& engine_;
  const VolumeUse& volume_;
  const std::string& tag_;
  Carrier carrier_;
};

// ---- Turning ------------------------------------------------------------------------------------

// True when something was done.
bool turn_new(Scene& scene, const VolumeUse& volume, const std::string& tag, Place& place) {
  const Beside beside = place.look();
  if (beside.standing == Standing::live || beside.standing == Standing::settled) return false;
  if (beside.standing == Standing::nothing || beside.standing == Standing::unfinished)
    throw Error(FBX_NOT_FOUND, fmt::format("nothing is staged in volume {}", volume.key),
                "stage a capture first");
  require_stopped(scene, volume);
  Script script(tag);
  if (beside.standing == Standing::staged)
    script.move_all(root_folder, old_folder).rename("new", "turning");
  script.move_all(turning_folder, root_folder)
      .dress_root(*beside.content)
      .rename("turning", "live");
  place.run(script, "turning");
  return true;
}

bool turn_old(Scene& scene, const VolumeUse& volume, const std::string& tag, Place& place) {
  const Beside beside = place.look();
  if (beside.standing == Standing::nothing) return false;
  if (beside.standing == Standing::settled)
    throw Error(FBX_CONFLICT,
                fmt::format("the old content of volume {} is being removed already", volume.key),
                "the new content stays; restore another generation if it is the wrong one");
  if (beside.has_moved()) require_stopped(scene, volume);
  Script script(tag);
  if (beside.standing == Standing::live) script.rename("live", "turning");
  if (beside.standing == Standing::live || beside.standing == Standing::turning) {
    if (!beside.old)
      throw Error(FBX_CONFLICT, fmt::format("the old content of volume {} is gone", volume.key),
                  "somebody removed it from .fbx-beside; the new content stays");
    script.move_all(root_folder, turning_folder).dress_root(*beside.old).rename("turning", "new");
  }
  script.move_all(old_folder, root_folder);
  place.run(script.remove_tag(), "turning back");
  return true;
}

bool settle(const VolumeUse& volume, const std::string& tag, Place& place) {
  const Beside beside = place.look();
  if (beside.standing == Standing::nothing) return false;
  if (beside.standing != Standing::live && beside.standing != Standing::settled)
    throw Error(FBX_CONFLICT,
                fmt::format("the new content of volume {} is not live yet", volume.key),
                "turn it to \"new\" first, or to \"old\"");
  Script script(tag);
  if (beside.standing == Standing::live) script.rename("live", "settled");
  place.run(script.remove_tag(), "removing the old content of");
  return true;
}

}  // namespace

std::string ComposeRuntime::volume_stage(Op& op, std::string_view text, int fd) {
  const json::object request = common::parse_object(text, "the request");
  const std::string tag = need_tag(request);
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const VolumeUse volume = find_volume(scene, request);
  const bool made = make_volume(scene, volume);
  bool touched = false;
  try {
    remove_carriers(engine, volume);
    Place place(engine, volume, project_.name, tag);
    const Beside before = place.look();
    if (before.has_moved() || before.standing == Standing::settled)
      throw Error(FBX_CONFLICT,
                  fmt::format("what this tag staged in volume {} is in use", volume.key),
                  "turn the volume to \"old\" first");
    touched = true;
    if (before.standing != Standing::nothing)
      place.run(Script(tag).remove_tag(), "removing what was staged in");
    return totals_json(place.stage(fd));
  } catch (...) {
    const docker::Afterwards afterwards(op);
    docker::Engine cleaner(afterwards.op(), engine.address(), std::chrono::minutes{2});
    try {
      if (made)
        cleaner.remove_volume(volume.name);
      else if (touched)
        Place(cleaner, volume, project_.name, tag)
            .run(Script(tag).remove_tag(), "removing what was staged in");
    } catch (const Error& e) {
      op.log(Level::warn, e.what());
    }
    throw;
  }
}

std::string ComposeRuntime::volume_turn(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  const std::string tag = need_tag(request);
  const std::string to = common::text_at(request, "to").value_or("");
  if (to != "new" && to != "old" && to != "settled")
    throw Error(FBX_ARGUMENT, fmt::format("a volume cannot be turned to \"{}\"", to),
                "\"new\", \"old\" or \"settled\"");
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const VolumeUse volume = find_volume(scene, request);
  bool changed = false;
  if (engine.volume(volume.name)) {
    remove_carriers(engine, volume);
    Place place(engine, volume, project_.name, tag);
    changed = to == "new"   ? turn_new(scene, volume, tag, place)
              : to == "old" ? turn_old(scene, volume, tag, place)
                            : settle(volume, tag, place);
  } else if (to == "new") {
    throw Error(FBX_NOT_FOUND, fmt::format("volume {} is not there", volume.key),
                "stage a capture first");
  }
  return json::serialize(json::object{{"changed", changed}});
}

std::int64_t live_bytes(Scene& scene, const VolumeUse& volume, std::int64_t measured) {
  for (const docker::Container& container : scene.containers())
    for (const docker::Mount& mount : container.mounts) {
      if (mount.name != volume.name) continue;
      const std::string beside = fmt::format("{}/{}", mount.destination, beside_folder);
      const auto look = [&](const std::string& path) {
        return look_into(scene.engine(), container.id, fmt::format("{}/{}", beside, path));
      };
      const auto staged = read_file(scene.engine(), container.id, beside + "/staged");
      if (!staged) return measured;
      const auto space = std::min(staged->find(' '), staged->size());
      const std::string tag = staged->substr(0, space);
      std::int64_t bytes = 0;
      std::from_chars(staged->data() + std::min(space + 1, staged->size()),
                      staged->data() + staged->size(), bytes);
      if (look(tag + "/new"))
        return std::max<std::int64_t>(measured - bytes - std::ssize(*staged), 0);
      return look(tag + "/live") ? std::min(bytes, measured) : measured;
    }
  return measured;
}

}  // namespace fbx::compose_runtime
