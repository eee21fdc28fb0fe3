// SPDX-License-Identifier: Apache-2.0
// Secrets of a stack of containers: known values, looked for wherever a deploy leaves something.
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <set>
#include <thread>

namespace fs = std::filesystem;
using fusebox::test::contains;
using fusebox::test::docker;
using fusebox::test::LangfuseStack;

namespace {

const std::map<std::string, std::string> canaries = {
    {"POSTGRES_PASSWORD", "canaryPostgres4711aQz"},
    {"CLICKHOUSE_PASSWORD", "canaryClickhouse4711bQz"},
    {"REDIS_AUTH", "canaryRedis4711cQz"},
    {"MINIO_ROOT_USER", "canaryMinioUser4711dQz"},
    {"MINIO_ROOT_PASSWORD", "canaryMinioPassword4711eQz"},
    {"ENCRYPTION_KEY", "ca9a4711ca9a4711ca9a4711ca9a4711ca9a4711ca9a4711ca9a4711ca9a4711"},
    {"SALT", "canarySalt4711fQz"},
    {"NEXTAUTH_SECRET", "canaryNextauth4711gQz"}};

// Looks into every process's arguments, again and again, while it lives.
class ArgumentWatch {
 public:
  ArgumentWatch() : thread_([this] { watch(); }) {}
  ~ArgumentWatch() { stop(); }
  ArgumentWatch(const ArgumentWatch&) = delete;
  ArgumentWatch& operator=(const ArgumentWatch&) = delete;

  // The names of the secrets that were seen.
  std::set<std::string> stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
    return seen_;
  }
  long looks() const { return looks_; }

 private:
  void watch() {
    while (!over_) {
      std::error_code gone;  // processes end while they are listed
      for (fs::directory_iterator at("/proc", gone), end; at != end && !gone; at.increment(gone))
        look(at->path() / "cmdline");
      ++looks_;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void look(const fs::path& file) {
    std::string arguments;
    try {
      arguments = fusebox::test::slurp(file);
    } catch (const std::exception&) {
      return;  // it ended while it was read
    }
    for (const auto& [name, value] : canaries)
      if (arguments.find(value) != std::string::npos) seen_.insert(name);
  }

  std::atomic<bool> over_ = false;
  std::atomic<long> looks_ = 0;
  std::set<std::string> seen_;
  std::thread thread_;
};

}  // namespace

TEST_CASE(
    "no secret of a stack of containers is in a file, an argument, a log, a journal or a label") {
  LangfuseStack::skip_without_images();
  const LangfuseStack stack;
  std::string text;
  for (const auto& [name, value] : canaries) text += name + "=" + value + "\n";
  const auto file = stack.box().write("configs/.env", text);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);

  ArgumentWatch watch;
  std::string said;
  for (const auto& args : std::vector<std::vector<std::string>>{{"deploy", "-v"},
                                                                {"deploy", "--json"},
                                                                {"health", "-v"},
                                                                {"versions"},
                                                                {"restart"},
                                                                {"logs", "--tail", "all"},
                                                                {"config", "show"},
                                                                {"plan", "deploy"}}) {
    const auto ended = stack(args);
    INFO(args.front() << ": " << ended.all());
    CHECK(ended.exit_code == 0);
    said += ended.all();
  }
  // What fails says more.
  stack.lock_langfuse("4.17.0-crash");
  stack.hurry();
  said += stack({"deploy", "-v"}).all();
  CHECK(watch.stop() == std::set<std::string>{});
  CHECK(watch.looks() > 100);

  for (const auto& [name, value] : canaries) {
    INFO(name);
    CHECK_FALSE(contains(said, value));
    CHECK(fusebox::test::files_with(stack.box().path(), value) ==
          std::set<std::string>{"configs/.env"});
  }
  // The engine has the environments: that is what a container's environment is. Nothing else has
  // them.
  for (const auto& [container, id] : stack.containers()) {
    const auto inspected =
        docker({"inspect", "--format",
                "{{json .Path}} {{json .Args}} {{json .Config.Cmd}} {{json .Config.Entrypoint}} "
                "{{json .Config.Labels}} {{json .Config.Healthcheck}} {{json .State}} {{.Name}}",
                id});
    const auto logs = fusebox::test::run_program({"docker", "logs", id});
    for (const auto& [name, value] : canaries) {
      INFO(container << " " << name);
      CHECK_FALSE(contains(inspected, value));
      CHECK_FALSE(contains(logs.out + logs.err, value));
    }
  }
}
