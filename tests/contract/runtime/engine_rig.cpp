// SPDX-License-Identifier: Apache-2.0
#include "engine_rig.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "busybox_image.hpp"

namespace engine_test {

namespace fs = std::filesystem;

namespace {

void make_image(docker::Engine& engine) {
  if (engine.image(busybox_image)) return;
  const std::string tar = busybox_stream();
  docker::Stream stream = engine.open(
      "POST", "/images/create?fromSrc=-&repo=fusebox-test/busybox&tag=1", "application/x-tar");
  const fbx::common::Deadline deadline(engine.op(), std::chrono::seconds(60));
  stream.feed(tar);
  stream.finish();
  while (!stream.ended() && !deadline.passed()) engine.transfers().turn(deadline);
  stream.check();
  engine.check_status(stream);
  REQUIRE(engine.image(busybox_image));
}

void merge(json::object& into, const json::object& from) {
  for (const auto& item : from) {
    json::value& place = into[item.key()];
    if (place.is_object() && item.value().is_object())
      merge(place.get_object(), item.value().get_object());
    else
      place = item.value();
  }
}

}  // namespace

const char* Rig::image() { return busybox_image; }

Rig::Rig(const docker::Wish& wish)
    : project(fmt::format("fusebox-{}-{}", ::getpid(), std::rand() % 1000000)),
      engine_(call_.op(), docker::find_engine(wish)),
      runtime_({wish, project, [this](const fbx::Op&) { return layout; }, {}}) {
  make_image(engine_);
}

Rig::~Rig() {
  try {
    for (const auto& container : engine_.containers(docker::of_project(project)))
      engine_.remove_container(container.id);
    for (const auto& volume : engine_.volumes(docker::of_project(project)))
      engine_.remove_volume(volume.name);
  } catch (const fbx::Error& e) {
    MESSAGE(e.what());
  }
}

std::string Rig::create(const std::string& service, const std::string& script, json::object more) {
  json::object request{{"Image", image()},
                       {"Entrypoint", json::array{"/bin/sh", "-c", script}},
                       {"Env", json::array{"PATH=/bin"}},
                       {"StopTimeout", 1},
                       {"Labels", json::object{{std::string(docker::label::project), project},
                                               {std::string(docker::label::service), service},
                                               {std::string(docker::label::oneoff), "False"}}}};
  merge(request, more);
  const std::string name = fmt::format("{}-{}-{}", project, service, std::rand() % 100000);
  const json::value made = engine_.post("/containers/create?name=" + name, request);
  return std::string(made.at("Id").as_string());
}

std::string Rig::start(const std::string& service, const std::string& script, json::object more) {
  std::string id = create(service, script, std::move(more));
  engine_.start(id);
  return id;
}

json::object Rig::mounts(const std::string& key, const std::string& folder) const {
  const json::object labels{{std::string(docker::label::project), project},
                            {std::string(docker::label::volume), key}};
  const json::object mount{{"Type", "volume"},
                           {"Source", volume(key)},
                           {"Target", folder},
                           {"VolumeOptions", json::object{{"Labels", labels}}}};
  return {{"HostConfig", json::object{{"Mounts", json::array{mount}}}}};
}

Answer Rig::ask(
    const std::function<std::string(compose_runtime::ComposeRuntime&, fbx::Op&)>& body) {
  fbx_op raw{&host, {}};
  fbx::Op op(&fusebox::test::fake::table, &raw);
  Answer answer;
  try {
    answer.text = body(runtime_, op);
  } catch (const fbx::Error& e) {
    answer.rc = e.rc();
    answer.what = e.what();
    answer.hint = e.hint();
  }
  return answer;
}

Answer Rig::services(json::object request) {
  return ask(
      [&](auto& runtime, fbx::Op& op) { return runtime.services(op, json::serialize(request)); });
}

Answer Rig::endpoint(json::object request) {
  return ask(
      [&](auto& runtime, fbx::Op& op) { return runtime.endpoint(op, json::serialize(request)); });
}

Answer Rig::logs(json::object request) {
  return ask([&](auto& runtime, fbx::Op& op) {
    std::string out;
    runtime.logs(op, json::serialize(request), fbx::Sink(fbx::collect(out)));
    return out;
  });
}

Answer Rig::exec(json::object request, const std::string& input, std::string& out,
                 std::string& err) {
  std::ofstream(dir / "in", std::ios::binary) << input;
  const int in = ::open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC);
  const int to = ::open((dir / "out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int to_err = ::open((dir / "err").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Answer answer = ask([&](auto& runtime, fbx::Op& op) {
    return runtime.exec(op, json::serialize(request), in, to, to_err);
  });
  ::close(in);
  ::close(to);
  ::close(to_err);
  out = read(dir / "out");
  err = read(dir / "err");
  return answer;
}

json::value Rig::service(std::string_view name, std::string_view member) {
  const Answer answer = services();
  REQUIRE_MESSAGE(answer.rc == FBX_OK, answer.what);
  const json::value parsed = json::parse(answer.text);
  for (const json::value& item : parsed.at("services").as_array())
    if (item.at("name").as_string() == name) {
      const json::value* value = item.as_object().if_contains(member);
      return value != nullptr ? *value : nullptr;
    }
  return "no such service";
}

std::string Rig::shell(const std::string& service, const std::string& script) {
  std::string out;
  std::string err;
  const Answer answer =
      exec({{"service", service}, {"command", {"sh", "-c", script}}}, "", out, err);
  return answer.rc == FBX_OK ? out + err : answer.what;
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace engine_test
