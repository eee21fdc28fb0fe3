// SPDX-License-Identifier: Apache-2.0
#include "common/compose/undo.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <exception>
#include <thread>

#include "common/compose/applied.hpp"
#include "common/compose/before.hpp"
#include "common/compose/lifecycle.hpp"
#include "common/compose/lock_file.hpp"
#include "common/compose/wait.hpp"

namespace fbx::compose {

namespace {

// A Compose file, written beside the state, that pins images; gone when this goes.
class Pins {
 public:
  Pins(const Settings& settings, const std::map<std::string, std::string>& images) {
    if (images.empty()) return;
    json::object services;
    for (const auto& [service, image] : images)
      services[service] = json::object{{"image", image}, {"pull_policy", "never"}};
    fs::create_directories(settings.state_dir);
    file_ = settings.state_dir / "undo.yml";
    write_atomically(file_, json::serialize(json::object{{"services", std::move(services)}}));
  }
  ~Pins() {
    std::error_code ignored;
    if (!file_.empty()) fs::remove(file_, ignored);
  }
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;

  std::vector<fs::path> files() const {
    return file_.empty() ? std::vector<fs::path>{} : std::vector<fs::path>{file_};
  }

 private:
  fs::path file_;
};

// Waits for its threads before it goes.
class Threads {
 public:
  Threads() = default;
  ~Threads() {
    for (std::thread& thread : threads_) thread.join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  template <class Body>
  void start(Body body) {
    threads_.emplace_back(std::move(body));
  }

 private:
  std::vector<std::thread> threads_;
};

// Stops containers as politely as they are configured, all at the same time, and removes them. The
// first error is thrown once all are through.
void stop_and_remove(const Op& op, const docker::Address& address,
                     const std::vector<std::string>& ids) {
  std::vector<std::exception_ptr> errors(ids.size());
  {
    Threads threads;
    for (std::size_t i = 0; i < ids.size(); ++i)
      threads.start([&, i] {
        try {
          docker::Engine engine(op, address);
          try {
            engine.stop(ids[i]);
          } catch (const docker::EngineError& e) {
            if (e.status() != 404) throw;
          }
          engine.remove_container(ids[i]);
        } catch (...) {
          errors[i] = std::current_exception();
        }
      });
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

class Undo {
 public:
  Undo(const Op& op, const Settings& settings, const StartEngine& start_engine)
      : op_(op),
        settings_(settings),
        start_engine_(start_engine),
        project_(op, settings, start_engine) {}

  void take_back(const json::object& checkpoint) {
    if (const json::object* before = common::object_at(checkpoint, checkpoint::before))
      take_back(before_from(*before));
    else if (const auto was_used = common::boolean_at(checkpoint, checkpoint::overlay))
      note_overlay(settings_, *was_used);
    else if (const auto network = common::text_at(checkpoint, checkpoint::create_network))
      remove_network(*network);
    else if (const json::object* lock = common::object_at(checkpoint, checkpoint::lock_text))
      restore_lock(*lock);
  }

  const std::vector<std::string>& done() const { return done_; }

 private:
  // By which files and images the services that lost their containers are made again.
  struct Remake {
    std::vector<std::string> services;
    std::map<std::string, std::string> images;
  };

  void take_back(const Before& before) {
    project_.engine().ping();
    std::map<std::string, Remake> remakes;  // by key of the Compose files
    auto now = project_.survey();
    for (const std::string& service : before.services) {
      const auto was = before.containers.find(service);
      const auto& containers = now[service];
      if (was == before.containers.end())
        remove_all(service, containers);
      else if (!still_there(was->second, containers))
        plan_remake(before, service, was->second, remakes);
      else
        keep(service, was->second, containers);
    }
    stop_and_remove(op_, project_.engine().address(), superfluous_);
    superfluous_.clear();
    for (const auto& [key, remake] : remakes) make_again(before, key, remake);
    if (!remakes.empty()) prove(before);
    remove_made(before);
  }

  static bool still_there(const std::vector<ContainerBefore>& was,
                          const std::vector<docker::ContainerDetails>& now) {
    return std::all_of(was.begin(), was.end(), [&](const ContainerBefore& old) {
      return std::any_of(now.begin(), now.end(), [&](const docker::ContainerDetails& container) {
        return container.summary.id == old.id;
      });
    });
  }

  void remove_all(const std::string& service,
                  const std::vector<docker::ContainerDetails>& containers) {
    for (const docker::ContainerDetails& container : containers)
      superfluous_.push_back(container.summary.id);
    if (!containers.empty()) done_.push_back("removed " + service);
    Applied(settings_).note(service, "");
  }

  // The old containers are here: newer ones go, and the old ones run or stand as they did.
  void keep(const std::string& service, const std::vector<ContainerBefore>& was,
            const std::vector<docker::ContainerDetails>& containers) {
    docker::Engine& engine = project_.engine();
    for (const docker::ContainerDetails& container : containers) {
      const auto old = std::find_if(was.begin(), was.end(), [&](const ContainerBefore& other) {
        return other.id == container.summary.id;
      });
      if (old == was.end()) {
        superfluous_.push_back(container.summary.id);
      } else if (old->running && !container.running()) {
        engine.start(container.summary.id);
        done_.push_back("started " + service);
      } else if (!old->running && container.running()) {
        engine.stop(container.summary.id);
        done_.push_back("stopped " + service);
      }
    }
  }

  void plan_remake(const Before& before, const std::string& service,
                   const std::vector<ContainerBefore>& was,
                   std::map<std::string, Remake>& remakes) {
    const auto applied = before.applied.find(service);
    Remake& remake = remakes[applied == before.applied.end() ? "" : applied->second];
    remake.services.push_back(service);
    remake.images[service] = image_of(service, was.front());
  }

  // The reference it had, as long as that still means the same image.
  std::string image_of(const std::string& service, const ContainerBefore& was) {
    docker::Engine& engine = project_.engine();
    if (const auto image = engine.image(was.image); image && image->id == was.image_id)
      return was.image;
    if (engine.image(was.image_id)) return was.image_id;
    throw Error(FBX_NOT_FOUND,
                fmt::format("{} cannot be brought back: its image {} ({}) is gone", service,
                            was.image, was.image_id),
                "pull it again, then `fusebox recover --undo`");
  }

  void make_again(const Before& before, const std::string& key, const Remake& remake) {
    Settings settings = settings_;
    if (const auto kept = Applied(settings_).files(key); !kept.empty()) settings.files = kept;
    Project project(op_, settings, start_engine_);
    const Pins pins(settings_, remake.images);
    std::vector<std::string> words{"up", "--detach", "--no-deps", "--no-build"};
    words.insert(words.end(), remake.services.begin(), remake.services.end());
    project.cli().effect(words, Values::secrets, pins.files());
    for (const std::string& service : remake.services) {
      Applied(settings_).note(service, key);
      done_.push_back(fmt::format("brought back {}", remake.images.at(service)));
    }
    wait_for(project, before, remake.services);
  }

  // What ran before should run again; that it may have been ill before is no failure of the undo.
  void wait_for(Project& project, const Before& before, const std::vector<std::string>& services) {
    std::vector<std::string> ran;
    for (const std::string& service : services)
      if (before.containers.at(service).front().running) ran.push_back(service);
    try {
      wait_until_ready(project, ran);
    } catch (const Error& e) {
      if (e.rc() != FBX_FAILED) throw;
      op_.log(Level::warn, fmt::format("what ran before is back, but {}", e.what()));
    }
  }

  // It counts only when the images of before really are what runs.
  void prove(const Before& before) {
    const auto now = project_.survey();
    for (const auto& [service, was] : before.containers) {
      const auto it = now.find(service);
      if (it == now.end() || it->second.empty() ||
          it->second.front().summary.image_id != was.front().image_id)
        throw Error(FBX_FAILED,
                    fmt::format("{} does not run its image of before, {} ({})", service,
                                was.front().image, was.front().image_id),
                    "`fusebox versions` shows what runs");
    }
  }

  void remove_made(const Before& before) {
    docker::Engine& engine = project_.engine();
    const docker::Filters ours = docker::of_project(settings_.project);
    if (!project_.survey().empty()) return remove_new_volumes(before);
    for (const docker::Network& network : engine.networks(ours))
      if (!before.networks.contains(network.name)) remove_network(network.name);
    remove_new_volumes(before);
  }

  void remove_new_volumes(const Before& before) {
    docker::Filters free = docker::of_project(settings_.project);
    free["dangling"] = {"true"};  // in use by no container
    for (const docker::Volume& volume : project_.engine().volumes(free)) {
      if (before.volumes.contains(volume.name) || !is_of_model(volume.name)) continue;
      if (project_.engine().remove_volume(volume.name))
        done_.push_back("removed the new volume " + volume.name);
    }
  }

  bool is_of_model(const std::string& volume) {
    const auto& volumes = project_.model().volumes;
    return std::any_of(volumes.begin(), volumes.end(), [&](const auto& entry) {
      return entry.second.name == volume && !entry.second.external;
    });
  }

  void remove_network(const std::string& name) {
    for (const docker::Network& network : project_.engine().networks({{"name", {name}}})) {
      if (network.name != name) continue;
      try {
        project_.engine().remove("/networks/" + network.id);
        done_.push_back("removed the network " + name);
      } catch (const docker::EngineError& e) {
        // Somebody else uses it by now: then it stays.
        if (e.status() != 403 && e.status() != 404 && e.status() != 409) throw;
      }
    }
  }

  // As it was, unless somebody has edited it since.
  void restore_lock(const json::object& lock) {
    const auto before = common::text_at(lock, "before");
    const auto after = common::text_at(lock, "after");
    if (!settings_.versions || !before || !after) return;
    if (read_text(*settings_.versions) != *after) return;
    write_atomically(*settings_.versions, *before);
    done_.push_back("restored " + settings_.versions->filename().string());
  }

  const Op& op_;
  const Settings& settings_;
  const StartEngine& start_engine_;
  Project project_;
  std::vector<std::string> superfluous_;  // containers' IDs
  std::vector<std::string> done_;
};

}  // namespace

json::object undo(const Op& op, const Settings& settings, const StartEngine& start_engine,
                  const json::array& checkpoints) {
  Undo undo(op, settings, start_engine);
  std::optional<Error> failure;
  for (auto it = checkpoints.rbegin(); it != checkpoints.rend(); ++it) try {
      if (it->is_object()) undo.take_back(it->get_object());
    } catch (const Error& e) {  // one that cannot be taken back must not keep the others
      if (e.rc() == FBX_CANCELLED || e.rc() == FBX_TIMEOUT) throw;
      if (!failure) failure = e;
    }
  if (failure) throw *failure;
  const auto& done = undo.done();
  return {{"summary", done.empty() ? "nothing to undo" : fmt::format("{}", fmt::join(done, ", "))},
          {"changed", !done.empty()}};
}

}  // namespace fbx::compose
