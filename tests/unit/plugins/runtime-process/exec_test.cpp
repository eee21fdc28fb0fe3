// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "rig.hpp"
#include "util/cancel.hpp"

using namespace runtime_test;
using namespace std::chrono_literals;

namespace {

struct Output {
  Answer answer;
  std::string text;
};

Output exec(Rig& rig, json::object request, std::string_view input = "") {
  runtime_process::Pipe in = runtime_process::make_pipe();
  runtime_process::write_all(in.write.get(), input);
  in.write.reset();
  const fs::path file = rig.dir / "exec.out";
  const runtime_process::Fd out(::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  Output output;
  output.answer = rig.exec(std::move(request), in.read.get(), out.get(), out.get());
  output.text = runtime_process::read_file(file).value_or("");
  return output;
}

}  // namespace

TEST_CASE(
    "exec runs beside a service: its folder, environment, secrets; the caller's descriptors") {
  Rig rig({{"a", shell("", {{"environment", {{"P", "${secret:PASSWORD}"}}}})}});
  rig.run("up");
  const Output output =
      exec(rig,
           {{"service", "a"},
            {"command", {"sh", "-c", "cat; pwd; echo \"$P/$EXTRA/$SECRET\"; exit 5"}},
            {"environment", {{"EXTRA", "plain ${x}"}, {"SECRET", {{"$secret", "PASSWORD"}}}}}},
           "from stdin\n");
  CHECK(output.answer.text == R"({"exit_code":5})");
  CHECK(output.text == fmt::format("from stdin\n{}\ncanary-3f9c1e/plain ${{x}}/canary-3f9c1e\n",
                                   (rig.data_dir() / "a").string()));
}

TEST_CASE("exec passes on no descriptor but the three") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  // The fourth is the folder that ls reads.
  CHECK(exec(rig, {{"service", "a"}, {"command", {"ls", "/proc/self/fd"}}}).text == "0\n1\n2\n3\n");
}

TEST_CASE("exec tells a program that ran and failed from one that could not run") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  CHECK(exec(rig, {{"service", "a"}, {"command", {"sh", "-c", "kill -9 $$"}}}).answer.text ==
        R"({"exit_code":137})");
  const Output missing = exec(rig, {{"service", "a"}, {"command", {"no-such-thing"}}});
  CHECK(missing.answer.rc == FBX_NOT_FOUND);
  CHECK(missing.answer.what == "program \"no-such-thing\" is not installed");
  CHECK(exec(rig, {{"service", "x"}, {"command", {"true"}}}).answer.rc == FBX_NOT_FOUND);
}

TEST_CASE("cancellation ends an exec with all its children") {
  Rig rig({{"a", shell()}});
  rig.run("up");
  fusebox::util::CancelToken token;
  rig.host.cancel_fd = token.fd();
  std::thread operator_thread([&] {
    eventually([&] { return !rig.data("a", "child").empty(); });
    token.cancel();
  });
  const Output output =
      exec(rig, {{"service", "a"}, {"command", {"sh", "-c", "sleep 300 & echo $! > child; wait"}}});
  operator_thread.join();
  rig.host.cancel_fd = -1;
  CHECK(output.answer.rc == FBX_CANCELLED);
  const pid_t child = std::stoi(rig.data("a", "child"));
  CHECK(eventually([&] { return !runtime_process::identify(child); }));
}

TEST_CASE("endpoint finds a port by its usual number, its own number or its name") {
  // Below the ports that the system gives out by itself: `up` refuses one that is taken.
  Rig rig({{"a", shell("", {{"ports",
                             {{"http", {{"port", 14811}, {"target", 80}, {"scheme", "http"}}},
                              {"admin", {{"port", 14812}}}}},
                            {"main_port", "http"}})}});
  const auto endpoint = [&](json::value port) {
    const Answer answer =
        rig.ask(&fbx_runtime_v1::endpoint, {{"service", "a"}, {"port", std::move(port)}});
    return answer.rc == FBX_OK ? answer.text : answer.what;
  };
  CHECK(endpoint(0) == "service a does not run");
  rig.run("up");
  const std::string http = R"({"host":"127.0.0.1","port":14811,"url":"http://127.0.0.1:14811"})";
  CHECK(endpoint(0) == http);
  CHECK(endpoint(80) == http);
  CHECK(endpoint(14811) == http);
  CHECK(endpoint("admin") == R"({"host":"127.0.0.1","port":14812})");
  CHECK(endpoint(81) == "service a has no port 81");
}

TEST_CASE("stats tell the load of a service and its children") {
  Rig rig({{"busy", shell("(while :; do :; done) &")}, {"idle", shell()}});
  rig.run("up");
  const Answer answer = rig.ask(&fbx_runtime_v1::stats);
  const json::value parsed = json::parse(answer.text);
  const json::array& services = parsed.at("services").as_array();
  REQUIRE(services.size() == 2);
  CHECK(services[0].at("name") == "busy");
  CHECK(services[0].at("cpu_percent").to_number<double>() > 5);
  CHECK(services[0].at("processes").as_int64() >= 2);
  CHECK(services[0].at("memory_bytes").to_number<double>() > 100'000);
  CHECK(services[0].at("cpu_percent").to_number<double>() >
        services[1].at("cpu_percent").to_number<double>());
}
