// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/archive_copy.hpp"
#include "common/compose_runtime/carrier.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "common/compose_runtime/scene.hpp"
#include "common/http.hpp"
#include "common/pipe_signal.hpp"

namespace fbx::compose_runtime {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours forever{24 * 365};

// ---- Which volumes there are --------------------------------------------------------------------

// The volumes of the Compose files, then those that carry the project's label.
std::vector<VolumeUse> find_volumes(Scene& scene, const std::vector<docker::Volume>& existing) {
  std::vector<VolumeUse> out;
  const auto known = [&](const std::string& name) {
    return std::any_of(out.begin(), out.end(), [&](const auto& use) { return use.name == name; });
  };
  for (const Layout::Service& service : scene.layout().services)
    for (const auto& [key, folder] : service.volumes) {
      const auto named = scene.layout().volumes.find(key);
      std::string name = named == scene.layout().volumes.end() ? key : named->second;
      if (!known(name)) out.push_back({key, std::move(name), service.name, service.image});
    }
  for (const docker::Volume& volume : existing) {
    const auto key = volume.labels.find(std::string(docker::label::volume));
    const bool named = key != volume.labels.end();
    const auto use = std::find_if(out.begin(), out.end(),
                                  [&](const VolumeUse& u) { return u.name == volume.name; });
    // Told by containers alone, the layout knows the engine's names only.
    if (use != out.end()) {
      if (named) use->key = key->second;
    } else if (named) {
      out.push_back({key->second, volume.name, "", ""});
    }
  }
  return out;
}

VolumeUse find_volume(Scene& scene, const json::object& request) {
  const std::string wanted = common::text_at(request, "volume").value_or("");
  const auto all =
      find_volumes(scene, scene.engine().volumes(docker::of_project(scene.project().name)));
  std::vector<std::string> names;
  for (const VolumeUse& use : all) {
    if (use.key == wanted || use.name == wanted) return use;
    names.push_back(use.key);
  }
  throw Error(FBX_NOT_FOUND,
              fmt::format("the project {} has no volume \"{}\"", scene.project().name, wanted),
              fmt::format("its volumes: {}", fmt::join(names, ", ")));
}

void require_stopped(Scene& scene, const VolumeUse& volume) {
  for (const docker::Container& user : scene.engine().containers({{"volume", {volume.name}}})) {
    if (user.state != docker::State::running && user.state != docker::State::restarting &&
        user.state != docker::State::paused)
      continue;
    const std::string service = user.label(docker::label::service);
    const bool ours = user.label(docker::label::project) == scene.project().name;
    throw Error(FBX_CONFLICT,
                ours ? fmt::format("service {} runs", service)
                     : fmt::format("container {} runs and uses volume {}", user.name, volume.name),
                ours ? fmt::format("stop it first: fusebox stop {}", service) : "stop it first");
  }
}

// ---- Bytes --------------------------------------------------------------------------------------

class Transfer {
 public:
  Transfer(docker::Engine& engine, std::string what)
      : engine_(engine), what_(std::move(what)), deadline_(engine.op(), forever) {}

  // From the engine.
  std::string_view pull(docker::Stream& stream) {
    stream.consume(given_);
    given_ = 0;
    while (stream.bytes().empty()) {
      if (stream.ended()) {
        stream.check();
        return {};
      }
      turn();
    }
    count(stream.bytes().size());
    given_ = stream.bytes().size();
    return stream.bytes();
  }

  // To the engine; throws what it says when it refuses.
  void push(docker::Stream& stream, std::string_view bytes) {
    while (!stream.hungry()) {
      check_answer(stream);
      turn();
    }
    check_answer(stream);
    stream.feed(bytes);
  }

  void finish(docker::Stream& stream) {
    stream.finish();
    while (!stream.ended()) turn();
    check_answer(stream);
    stream.check();
  }

  std::string_view read(int fd) {
    for (;;) {
      wait(fd, common::Wait::read);
      const ssize_t got = ::read(fd, buffer_.data(), buffer_.size());
      if (got >= 0) {
        count(static_cast<std::size_t>(got));
        return {buffer_.data(), static_cast<std::size_t>(got)};
      }
      if (errno != EINTR && errno != EAGAIN)
        throw Error(FBX_IO, fmt::format("cannot read the stream while {}: {}", what_,
                                        std::generic_category().message(errno)));
    }
  }

  void write(int fd, std::string_view bytes) {
    struct ::stat status {};
    const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    while (!bytes.empty()) {
      wait(fd, common::Wait::write);
      const common::PipeSignalGuard guard;
      // A pipe that is ready has room for this much; more might block past a cancellation.
      const auto piece = regular ? bytes.size() : std::min<std::size_t>(bytes.size(), 4096);
      const ssize_t written = ::write(fd, bytes.data(), piece);
      if (written >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(written));
      else if (errno != EINTR && errno != EAGAIN)
        throw Error(FBX_IO, fmt::format("cannot write the stream while {}: {}", what_,
                                        std::generic_category().message(errno)));
    }
  }

 private:
  void count(std::size_t bytes) {
    moved_ += bytes;
    engine_.op().progress(moved_, 0, "bytes", what_);
  }
  void turn() {
    expire();
    engine_.transfers().turn(deadline_);
  }
  void wait(int fd, common::Wait what) {
    if (deadline_.wait(fd, what) == common::Ready::timed_out) expire();
  }
  void expire() const {
    if (deadline_.passed())
      throw Error(FBX_TIMEOUT, fmt::format("deadline passed while {}", what_),
                  "raise the step's timeout in the config if it only needs longer");
  }
  void check_answer(docker::Stream& stream) {
    if (stream.answered()) engine_.check_status(stream);
    if (stream.ended()) stream.check();
  }

  docker::Engine& engine_;
  std::string what_;
  common::Deadline deadline_;
  std::array<char, 65536> buffer_{};
  std::size_t given_ = 0;
  std::uint64_t moved_ = 0;
};

std::string archive_path(const std::string& container, const std::string& path) {
  return fmt::format("/containers/{}/archive?path={}", container, common::url_encode(path));
}

common::ArchiveRoot look_into(docker::Engine& engine, const Carrier& carrier,
                              const std::string& what) {
  docker::Stream stream = engine.open("GET", archive_path(carrier.id(), carrier.folder()));
  Transfer transfer(engine, what);
  return common::read_archive_root([&] { return transfer.pull(stream); });
}

common::ArchiveTotals fill(docker::Engine& engine, const Carrier& carrier, int fd,
                           const std::string& what) {
  const fs::path folder = carrier.folder();
  docker::Stream stream = engine.open(
      "PUT", archive_path(carrier.id(), folder.parent_path().string()), "application/x-tar");
  Transfer transfer(engine, what);
  // Under its own name and from the folder above, so that the folder's owner and mode are set too.
  auto totals = common::copy_archive({[&] { return transfer.read(fd); },
                                      [&](std::string_view bytes) { transfer.push(stream, bytes); },
                                      false, folder.filename().string()});
  transfer.finish(stream);
  return totals;
}

std::string totals_json(const common::ArchiveTotals& totals) {
  return json::serialize(json::object{{"files", totals.files}, {"bytes", totals.bytes}});
}

}  // namespace

std::string ComposeRuntime::volumes(Op& op, std::string_view text) {
  const json::object request = common::parse_object(text, "the request");
  Scene scene(op, project_);
  const auto selected = scene.select(request);
  const bool all = texts_at(request, "services").empty();
  const auto existing = scene.engine().measured_volumes();
  std::vector<docker::Volume> ours;
  for (const docker::Volume& volume : existing) {
    const auto label = volume.labels.find(std::string(docker::label::project));
    if (label != volume.labels.end() && label->second == scene.project().name)
      ours.push_back(volume);
  }
  json::array out;
  for (const VolumeUse& use : find_volumes(scene, ours)) {
    const auto volume = std::find_if(existing.begin(), existing.end(),
                                     [&](const docker::Volume& v) { return v.name == use.name; });
    const bool wanted = all || std::any_of(selected.begin(), selected.end(),
                                           [&](const auto* s) { return s->name == use.service; });
    if (volume == existing.end() || !wanted) continue;
    json::object item{{"name", use.key}, {"service", use.service}, {"where", volume->where}};
    if (volume->bytes >= 0) item["bytes"] = volume->bytes;
    out.push_back(std::move(item));
  }
  return json::serialize(json::object{{"volumes", std::move(out)}});
}

std::string ComposeRuntime::volume_export(Op& op, std::string_view text, int fd) {
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const VolumeUse volume = find_volume(scene, common::parse_object(text, "the request"));
  if (!engine.volume(volume.name))
    throw Error(FBX_NOT_FOUND, fmt::format("volume {} has no data yet", volume.key),
                "bring its service up first: fusebox up");
  require_stopped(scene, volume);
  const Carrier carrier(engine, volume, project_.name);
  docker::Stream stream = engine.open("GET", archive_path(carrier.id(), carrier.folder()));
  Transfer transfer(engine, "exporting " + volume.key);
  return totals_json(
      common::copy_archive({[&] { return transfer.pull(stream); },
                            [&](std::string_view bytes) { transfer.write(fd, bytes); }, true, ""}));
}

std::string ComposeRuntime::volume_import(Op& op, std::string_view text, int fd) {
  Scene scene(op, project_);
  docker::Engine& engine = scene.engine();
  const VolumeUse volume = find_volume(scene, common::parse_object(text, "the request"));
  require_stopped(scene, volume);
  const bool made = !engine.volume(volume.name);
  const std::string what = "importing " + volume.key;
  if (made)
    engine.post(
        "/volumes/create",
        json::object{
            {"Name", volume.name},
            {"Labels", json::object{{std::string(docker::label::project), scene.project().name},
                                    {std::string(docker::label::volume), volume.key}}}});
  common::ArchiveRoot root;
  bool touched = false;
  try {
    const Carrier carrier(engine, volume, project_.name);
    root = look_into(engine, carrier, what);
    if (!root.empty)
      throw Error(FBX_CONFLICT, fmt::format("volume {} is not empty", volume.key),
                  "a stream is only unpacked into an empty volume: remove the volume first");
    touched = true;
    return totals_json(fill(engine, carrier, fd, what));
  } catch (...) {
    const docker::Afterwards afterwards(op);
    docker::Engine cleaner(afterwards.op(), engine.address(), std::chrono::minutes{2});
    if (made)
      cleaner.remove_volume(volume.name);
    else if (touched)
      empty_volume(cleaner, volume, project_.name, root);
    throw;
  }
}

}  // namespace fbx::compose_runtime
