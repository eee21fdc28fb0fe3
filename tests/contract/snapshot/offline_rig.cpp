// SPDX-License-Identifier: Apache-2.0
#include "offline_rig.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "support/search.hpp"
#include "support/servers.hpp"
#include "util/error.hpp"

namespace offline {

namespace {

constexpr const char* runtime = "runtime-process";

constexpr const char* config = R"([stack]
name = "offline"
state_dir = "{dir}/state"

[plugins.runtime-process]
data_dir = "{dir}/data"
path = ["~/.cache/fusebox/bin"]

[plugins.runtime-process.services.redis]
user = "redis"
ports.redis = {{ port = {redis}, target = 6379 }}
command = ["redis-server", "-"]
stdin = """
port ${{port}}
bind 127.0.0.1
dir ${{data}}
save ""
repl-diskless-sync-delay 0
appendonly {append_only}
requirepass ${{secret:REDIS_AUTH}}
"""
environment = {{ REDIS_PORT = "${{port}}", REDISCLI_AUTH = "${{secret:REDIS_AUTH}}" }}
ready = {{ command = ["redis-cli", "-e", "-p", "${{port}}", "ping"], interval = "20ms" }}

[plugins.runtime-process.services.minio]
ports.api = {{ port = {minio}, target = 9000 }}
ports.console = {{ port = {console} }}
command = ["minio", "server", "--address", "127.0.0.1:${{port:api}}", "--console-address", "127.0.0.1:${{port:console}}", "${{data}}"]
ready = {{ http = "http://127.0.0.1:${{port:api}}/minio/health/ready" }}
environment = {{ PORT = "${{port:api}}", MINIO_ROOT_USER = "${{secret:MINIO_USER}}", MINIO_ROOT_PASSWORD = "${{secret:MINIO_PASSWORD}}" }}

[plugins.queue]
use = "snapshot-redis"
port_variable = "REDIS_PORT"

[plugins.objects]
use = "snapshot-volume"
volume = "minio"
mode = "hot"
uncounted = [".minio.sys"]

[plugins.folder]
use = "snapshot-volume"
volume = "redis"

[plugins.caller]
use = "sample-snapshot"
)";

}  // namespace

std::string failure(const std::function<void()>& body) {
  try {
    body();
    return "none";
  } catch (const fusebox::Error& e) {
    return std::string(fusebox::to_string(e.code()));
  }
}

Rig::Rig(std::vector<std::string> services, const std::string& append_only)
    : services_(std::move(services)) {
  fs::permissions(dir.path(),
                  fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  using fusebox::test::free_port;
  std::ofstream(dir / "fusebox.toml")
      << fmt::format(config, fmt::arg("dir", dir.path().string()), fmt::arg("redis", free_port()),
                     fmt::arg("minio", free_port()), fmt::arg("console", free_port()),
                     fmt::arg("append_only", append_only));
  fusebox::config::LoadOptions options;
  options.file = dir / "fusebox.toml";
  config_ = fusebox::config::load(options);
  catalog_ = fusebox::plugin::Catalog::discover({PLUGIN_FOLDER, FUSEBOX_TEST_PLUGINS});
  for (const char* name : {"REDIS_AUTH", "MINIO_USER", "MINIO_PASSWORD"})
    store_.put(name, fmt::format("word-{}", name));
  host_ = std::make_unique<fusebox::plugin::Host>(config_, catalog_, store_, problems_);
  for (const auto& problem : problems_) FAIL(problem.str());
  run("up");
}

Rig::~Rig() {
  try {
    host_->run(runtime,
               {{"verb", "down"},
                {"phase", "test"},
                {"run", "r1"},
                {"with", {{"volumes", true}}},
                {"secrets", json::array{}}},
               context());
  } catch (const fusebox::Error& e) {
    MESSAGE(e.what());
  }
}

fusebox::plugin::CallContext Rig::context() {
  fusebox::plugin::CallContext context;
  context.label = "test";
  context.checkpoint = [this](std::string_view line) { checkpoints_.push_back(json::parse(line)); };
  return context;
}

void Rig::run(const std::string& verb) {
  host_->run(runtime,
             {{"verb", verb},
              {"phase", "test"},
              {"run", "r1"},
              {"with", {{"services", json::array(services_.begin(), services_.end())}}},
              {"secrets", json::array{}}},
             context());
}

std::string Rig::beside(const std::string& service, std::vector<std::string> command) {
  const int out = ::open((dir / "out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const json::object result = host_->exec(
      runtime, {{"service", service}, {"command", json::array(command.begin(), command.end())}}, -1,
      out, out, context());
  ::close(out);
  std::string text = fusebox::test::slurp(dir / "out");
  INFO(text);
  REQUIRE(result.at("exit_code") == 0);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string Rig::redis(std::vector<std::string> arguments) {
  std::vector<std::string> command{"sh", "-c", R"(exec redis-cli -e -p "$REDIS_PORT" "$@")",
                                   "redis-cli"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return beside("redis", std::move(command));
}

std::string Rig::mc(std::vector<std::string> arguments) {
  std::vector<std::string> command{
      "sh", "-c",
      R"(MC_HOST_t="http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@127.0.0.1:$PORT" exec mc --quiet "$@")",
      "mc"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return beside("minio", std::move(command));
}

json::object Rig::call(const std::string& function, const std::string& instance,
                       const json::object& request, const std::string& file) {
  const json::object with{{"function", function},
                          {"instance", instance},
                          {"request", json::serialize(request)},
                          {"file", file.empty() ? file : (dir / file).string()}};
  return host_
      ->run("caller",
            {{"verb", "call"},
             {"phase", "test"},
             {"run", "r1"},
             {"with", with},
             {"secrets", json::array{}}},
            context())
      .at("answer")
      .as_object();
}

json::object Rig::request_of(const json::object& captured) {
  json::object request{{"source", "x"}, {"tag", tag}};
  for (const char* key : {"counts", "facts"})
    if (const auto* value = captured.if_contains(key)) request[key] = *value;
  return request;
}

json::object Rig::capture(const std::string& instance, const std::string& file) {
  return call("capture", instance, {{"source", instance}}, file);
}
json::object Rig::inspect(const std::string& instance, const std::string& file,
                          const json::object& captured) {
  return call("inspect", instance, request_of(captured), file);
}
json::object Rig::stage(const std::string& instance, const std::string& file,
                        const json::object& captured) {
  return call("stage", instance, request_of(captured), file);
}
void Rig::turn(const std::string& instance, const std::string& to) {
  call("turn", instance, {{"source", instance}, {"tag", tag}, {"to", to}});
}
json::object Rig::count(const std::string& instance, const json::object& captured, bool digests) {
  json::object request = request_of(captured);
  request["digests"] = digests;
  return call("count", instance, request);
}
json::object Rig::sources(const std::string& instance) {
  return call("sources", instance, {}).at("sources").at(0).as_object();
}

void Rig::kill_stage(const std::string& instance, const std::string& file,
                     const json::object& captured) {
  const std::string bytes = fusebox::test::slurp(dir / file);
  const std::string pipe = (dir / "pipe").string();
  ::unlink(pipe.c_str());
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    failure([&] { stage(instance, "pipe", captured); });
    ::_exit(0);
  }
  const int out = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
  const auto half = bytes.size() / 2;
  REQUIRE(::write(out, bytes.data(), half) == static_cast<ssize_t>(half));
  ::usleep(100'000);  // it has read that, and waits for more
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(out);
  CHECK(WIFSIGNALED(status));
}

bool Rig::clean() const {
  if (fs::exists(data() / ".staged")) return false;
  std::error_code none;
  return fs::is_empty(dir / "state/plugins/queue", none) || none;
}

}  // namespace offline
