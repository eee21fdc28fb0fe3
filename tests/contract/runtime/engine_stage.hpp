// SPDX-License-Identifier: Apache-2.0
// A service "db" with the volume "data", and a capture of another volume to stage beside it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "engine_rig.hpp"

namespace engine_test {

// Prints all that a volume at /data holds.
inline constexpr const char* describe =
    "cd /data && find . -exec stat -c '%N %A %u:%g %h' {} + | sort && "
    "find . -type f -exec busybox md5sum {} + | sort";

class Stage {
 public:
  Stage() {
    compose_runtime::Layout layout;
    layout.services.push_back({"db", Rig::image(), {}, {}, {{"data", "/data"}}, false});
    layout.services.push_back({"other", Rig::image(), {}, {}, {{"spare", "/data"}}, false});
    layout.volumes["data"] = rig.volume("data");
    layout.volumes["spare"] = rig.volume("spare");
    rig.layout = layout;
  }

  // What is in a service's volume once its script is done.
  std::string make(const std::string& service, const std::string& volume, const char* script) {
    serve(service, script, rig.mounts(volume, "/data"));
    REQUIRE(eventually([&] {
      return rig.logs({{"services", {service}}}).text.find("\"done\"") != std::string::npos;
    }));
    return rig.shell(service, describe);
  }
  // A capture of new content, in stream().
  void capture(const char* script) {
    fresh = make("other", "spare", script);
    stop("other");
    const Answer out = ask("export", {{"volume", "spare"}});
    REQUIRE(out.what == "");
    totals = out.text;
  }
  // In place of the service's container of before.
  void serve(const std::string& service, const std::string& script, const json::object& more) {
    if (!ids_[service].empty()) rig.engine().remove_container(ids_[service]);
    ids_[service] = rig.start(service, script, more);
  }
  void stop(const std::string& service) {
    rig.engine().stop(ids_.at(service), std::chrono::seconds(0));
  }
  // The service runs, and does nothing.
  void idle() { serve("db", "sleep 600", rig.mounts("data", "/data")); }
  std::string now() {
    idle();
    std::string seen = rig.shell("db", describe);
    stop("db");
    return seen;
  }

  Answer stage(const std::string& tag = "t1") {
    return ask("stage", {{"volume", "data"}, {"tag", tag}});
  }
  Answer turn(const std::string& to, const std::string& tag = "t1") {
    return ask("turn", {{"volume", "data"}, {"tag", tag}, {"to", to}});
  }
  // `file` has the stream, or gets it.
  Answer ask(const std::string& what, const json::object& request,
             const std::string& file = "capture") {
    const std::string text = json::serialize(request);
    const int fd = ::open((rig.dir / file).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const Answer answer = rig.ask([&](auto& runtime, fbx::Op& op) {
      if (what == "stage") return runtime.volume_stage(op, text, fd);
      if (what == "turn") return runtime.volume_turn(op, text);
      return runtime.volume_export(op, text, fd);
    });
    ::close(fd);
    return answer;
  }
  std::int64_t bytes() {
    const Answer answer =
        rig.ask([](auto& runtime, fbx::Op& op) { return runtime.volumes(op, "{}"); });
    const json::value parsed = json::parse(answer.text);
    for (const json::value& volume : parsed.at("volumes").as_array())
      if (volume.at("name") == "data") return volume.at("bytes").as_int64();
    return -1;
  }
  // Calls stage(), or turn(), in a process that is killed after a while; false when it had ended by
  // then.
  bool die_in(const std::string& what, std::chrono::milliseconds delay) {
    const pid_t child = ::fork();
    if (child == 0) {
      what == "stage" ? stage() : turn(what);
      ::_exit(0);
    }
    std::this_thread::sleep_for(delay);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }
  const std::string& id(const std::string& service) { return ids_[service]; }
  std::size_t containers() {
    return rig.engine().containers(docker::of_project(rig.project)).size();
  }

  Rig rig;
  std::string fresh;   // described
  std::string totals;  // of the capture

 private:
  std::map<std::string, std::string> ids_;
};

}  // namespace engine_test
