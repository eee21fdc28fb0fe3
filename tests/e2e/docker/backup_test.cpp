// SPDX-License-Identifier: Apache-2.0
// Backup, restore and drill of the whole Langfuse stack, with data written to every store
// meanwhile.
#include "e2e/by_hand.hpp"
#include "e2e/docker/docker_stacks.hpp"
#include "support/engine/docker.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

using fusebox::test::contains;
using fusebox::test::docker;
using fusebox::test::Ended;
using fusebox::test::LangfuseStack;
namespace fs = std::filesystem;

namespace {

// A step that can be made to fail late.
constexpr const char* open_gate = "--skip=gate";

class LoadedStack : public LangfuseStack {
 public:
  LoadedStack() {
    const auto file = box_ / "configs/langfuse-base.toml";
    std::string text = fusebox::test::slurp(file);
    const auto at = text.find("  \"backup.settle\",\n");
    REQUIRE(at != std::string::npos);
    text.insert(at, "  \"gate.check\",\n");
    std::ofstream(file) << text << "\n[plugins.gate]\nuse = \"probe-http\"\nurl = "
                        << "\"http://127.0.0.1:1/\"\n";
    fusebox::test::deploy(*this);
    sql("CREATE TABLE project (id int PRIMARY KEY, name text NOT NULL);"
        "CREATE TABLE trace (id int PRIMARY KEY, project int NOT NULL REFERENCES project, v text);"
        "INSERT INTO project SELECT g, 'project ' || g FROM generate_series(1, 50) g;"
        "INSERT INTO trace SELECT g, 1 + g % 50, md5(g::text) FROM generate_series(1, 20000) g");
    clickhouse(
        "CREATE DATABASE lf; CREATE TABLE lf.traces (id UInt64, v String, d Date DEFAULT "
        "'2026-11-24') ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY id; INSERT INTO "
        "lf.traces (id, v) SELECT number, toString(number * 7) FROM numbers(100000)");
    redis("for i=0,199 do redis.call('set','key'..i,'value'..i) end return 1");
    mc("mkdir -p /tmp/in/events && cd /tmp/in && for i in 1 2 3 4 5 6 7 8 9; do echo \"event $i\" "
       "> "
       "events/first-$i.json; done; head -c 3000000 /dev/urandom > events/first-large.json; "
       "mc cp --quiet --recursive /tmp/in/ t/langfuse/");
  }

  std::string sql(const std::string& text) const {
    return docker({"exec", container("postgres"), "psql", "-U", "postgres", "-v", "ON_ERROR_STOP=1",
                   "-Atqc", text});
  }
  std::string clickhouse(const std::string& text) const {
    return docker({"exec", container("clickhouse"), "clickhouse-client", "--user=clickhouse",
                   "--multiquery", "-q", text});
  }
  std::string redis(const std::string& script) const {
    return docker({"exec", container("redis"), "redis-cli", "-e", "--raw", "eval", script, "0"});
  }
  // A script with MinIO's client, whose alias is `t`.
  std::string mc(const std::string& script) const {
    return docker({"exec", container("minio"), "sh", "-c",
                   "set -e; export "
                   "MC_HOST_t=\"http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@127.0.0.1:9000\"; " +
                       script});
  }

  // Rows, keys, objects and hashes of their content. `first`: of those alone that were there first.
  std::string data(bool first = false) const {
    const auto only = [&](const std::string& condition) {
      return first ? " WHERE " + condition : std::string();
    };
    std::string text =
        sql("SELECT count(*), sum(hashtext(p::text)::bigint) FROM project p" + only("id <= 50") +
            ";SELECT count(*), sum(hashtext(t::text)::bigint) FROM trace t" + only("id <= 20000"));
    text += "\n" + clickhouse("SELECT count(), sum(cityHash64(id, v, d)) FROM lf.traces" +
                              only("id < 100000"));
    text +=
        "\n" + redis(fmt::format("local k = redis.call('keys', '{}*') table.sort(k) local all = "
                                 "'' for _, n in ipairs(k) do all = all .. n .. '=' .. "
                                 "redis.call('get', n) .. ';' end return #k .. ' ' .. "
                                 "redis.sha1hex(all)",
                                 first ? "key" : "[kl]"));
    return text + "\n" +
           mc(fmt::format("rm -rf /tmp/out; mc cp --quiet --recursive t/langfuse/ /tmp/out/ "
                          ">/tmp/said; cd /tmp/out/events; sha256sum {}*",
                          first ? "first-" : ""));
  }

  // References to what is not there, halves of what is written at once, objects that data() found
  // and that are not whole.
  std::string broken() const {
    return sql("SELECT count(*) FROM trace t LEFT JOIN project p ON p.id = t.project WHERE p.id IS "
               "NULL;SELECT count(*) FROM project p LEFT JOIN trace t ON t.project = p.id WHERE "
               "t.id IS NULL;SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = "
               "'trace'::regclass AND convalidated") +
           "\n" + clickhouse("SELECT count() % 1000 FROM lf.traces") + "\n" +
           mc("cd /tmp/out/events; for f in late-*; do [ \"$(cat \"$f\")\" = \"$f\" ] || echo $f; "
              "done");
  }
  // What broken() says when nothing is.
  static constexpr const char* whole = "0\n0\n1\n0\n";

  // Removes everything, and restores it by docs/RESTORE-BY-HAND.md, to the letter.
  void follow_the_page(const std::string& generation) const {
    CHECK((*this)({"down", "--volumes", "--yes", "--confirm", name()}).exit_code == 0);
    const std::string page = fusebox::test::slurp(FUSEBOX_RESTORE_PAGE);
    fusebox::test::CallOptions options;
    options.deadline = std::chrono::minutes(3);
    options.environment = {
        {"GENERATION",
         (std::string(json({"backup", "list"}).at("where").as_string()) + "/").append(generation)},
        {"COMPOSE_FILE", (box_ / "compose/docker-compose.yml").string()},
        {"COMPOSE_PROJECT_NAME", name()},
        {"WORK", (box_ / "by-hand").string()}};
    std::set<std::string> names;
    for (const auto& [key, value] : options.environment) names.insert(key);
    CHECK(fusebox::test::exported(fusebox::test::commands_of(page, "compose-yours")) == names);
    const fs::path script =
        box_.write("by-hand.sh", fmt::format("set -eu -o pipefail; set -a; . {}; set +a\n",
                                             (box_ / "configs/.env").string()) +
                                     fusebox::test::commands_of(page, "check") +
                                     fusebox::test::commands_of(page, "compose"));
    const Ended ended = box_.program({"bash", script.string()}, options);
    INFO(ended.all());
    REQUIRE(ended.exit_code == 0);
  }

  void use_on() const {
    sql("DELETE FROM trace WHERE id <= 1000; UPDATE project SET name = 'renamed' WHERE id = 7;"
        "CREATE TABLE later (id int PRIMARY KEY)");
    clickhouse(
        "ALTER TABLE lf.traces DROP PARTITION 202611; INSERT INTO lf.traces (id, v) VALUES "
        "(7, 'new')");
    redis("redis.call('set', 'key3', 'changed') redis.call('del', 'key4') return 1");
    mc("mc rm --quiet t/langfuse/events/first-1.json; echo new | mc pipe --quiet "
       "t/langfuse/events/first-2.json");
  }
  void destroy() const {
    sql("DROP TABLE trace, project");
    clickhouse("DROP DATABASE lf");
    redis("return redis.call('flushall')");
    mc("mc rm --quiet --recursive --force t/langfuse/ >/tmp/said");
  }

  // Nothing that a restore creates beside the live data is left.
  void check_tidy() const {
    CHECK(sql("SELECT datname FROM pg_database ORDER BY 1") == "postgres\ntemplate0\ntemplate1");
    CHECK_FALSE(contains(clickhouse("SHOW DATABASES"), "fbx"));
    CHECK_FALSE(contains(docker({"exec", container("redis"), "ls", "-A", "/data"}), "fbx"));
    CHECK_FALSE(contains(docker({"exec", container("minio"), "ls", "-A", "/data"}), "fbx"));
    CHECK(containers().size() == 6);
  }
  void check_serving() const {
    CHECK(contains(ask("langfuse-web", 3000, "/api/public/health"), "OK"));
    CHECK(contains(ask("langfuse-worker", 3030, "/api/health"), "ok"));
  }
  // Of each service: its container, and since when it runs.
  std::string lives() const {
    std::string text;
    for (const char* service :
         {"postgres", "clickhouse", "redis", "minio", "langfuse-web", "langfuse-worker"})
      text += inspect(service, "{{.Name}} {{.Id}} {{.State.StartedAt}}\n");
    return text;
  }
};

// Does something again and again on a thread of its own, and counts what went wrong.
class Again {
 public:
  explicit Again(std::function<bool(int)> once)
      : once_(std::move(once)), thread_([this] {
          while (!over_)
            if (!once_(++count_)) ++failures_;
        }) {}
  ~Again() { stop(); }
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;

  void stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int count() const { return count_; }
  int failures() const { return failures_; }

 private:
  std::function<bool(int)> once_;
  std::atomic<bool> over_ = false;
  std::atomic<int> count_ = 0;
  std::atomic<int> failures_ = 0;
  std::thread thread_;
};

// Does a server say within five seconds that it is well?
bool is_well(const std::string& address, std::uint16_t port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const ::timeval limit{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, address);
  std::string answer(4096, '\0');
  ssize_t got = -1;
  if (::connect(fd, reinterpret_cast<::sockaddr*>(&to), sizeof to) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size()))
    got = ::recv(fd, answer.data(), answer.size(), 0);
  ::close(fd);
  return got > 0 && answer.compare(0, 12, "HTTP/1.1 200") == 0;
}

// A program in a container went well.
bool went_well(const std::string& container, std::vector<std::string> command) {
  command.insert(command.begin(), {"docker", "exec", container});
  try {
    return fusebox::test::run_program(command).exit_code == 0;
  } catch (const std::exception&) {
    return false;  // it takes too long
  }
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// What the engine has by this name or one that begins with it.
std::string named(const std::string& name) {
  return docker({"ps", "--all", "--quiet", "--filter", "name=" + name}) +
         docker({"volume", "ls", "--quiet", "--filter", "name=" + name}) +
         docker({"network", "ls", "--quiet", "--filter", "name=" + name});
}

}  // namespace

TEST_CASE(
    "D19 D22 D23: a Langfuse that is written to is backed up without a pause for its users, and "
    "comes back whole; a drill proves it beside the live one") {
  LangfuseStack::skip_without_images();
  const LoadedStack stack;
  const std::string saved = stack.data(true);

  // The backup, while all stores are written to.
  const std::string address =
      stack.inspect("langfuse-web", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
  const std::string started = stack.inspect("langfuse-worker", "{{.Id}} {{.State.StartedAt}}");
  const std::string serving = stack.inspect("langfuse-web", "{{.Id}} {{.State.StartedAt}}");
  REQUIRE(is_well(address, 3000, "/api/public/health"));
  {
    const auto in = [&](const char* service) { return stack.container(service); };
    const std::string postgres = in("postgres"), clickhouse = in("clickhouse"), redis = in("redis"),
                      minio = in("minio");
    Again visits([&](int) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return is_well(address, 3000, "/api/public/health");
    });
    Again rows([&](int n) {
      return went_well(postgres,
                       {"psql", "-U", "postgres", "-qc",
                        fmt::format("INSERT INTO project VALUES ({0}, 'late'); INSERT INTO trace "
                                    "VALUES ({0}, {0}, 'late')",
                                    n + 100000)});
    });
    Again events([&](int n) {
      return went_well(clickhouse,
                       {"clickhouse-client", "--user=clickhouse", "-q",
                        fmt::format("INSERT INTO lf.traces (id, v) SELECT number + {}, 'late' FROM "
                                    "numbers(1000)",
                                    100000 + n * 1000)});
    });
    Again keys([&](int n) {
      return went_well(redis, {"redis-cli", "-e", "set", fmt::format("late{}", n), "late"});
    });
    Again objects([&](int n) {
      return went_well(
          minio,
          {"sh", "-c",
           fmt::format(
               "export MC_HOST_t=\"http://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@127.0.0.1:"
               "9000\"; printf late-{0}.json | mc pipe --quiet t/langfuse/events/late-{0}.json",
               n)});
    });
    std::vector<Again*> all = {&visits, &rows, &events, &keys, &objects};
    while (std::any_of(all.begin(), all.end(), [](const Again* one) { return one->count() < 2; }))
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::vector<int> before;
    for (const Again* one : all) before.push_back(one->count());
    const Stopwatch watch;
    const Ended backup = stack({"backup", "create"});
    MESSAGE(fmt::format("backup {:.1f} s", watch.seconds()));
    INFO(backup.all());
    REQUIRE(backup.exit_code == 0);
    CHECK_FALSE(contains(backup.all(), "warning"));
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i);
      all[i]->stop();
      CHECK(all[i]->count() > before[i] + 1);
      CHECK(all[i]->failures() == 0);
    }
    MESSAGE(fmt::format("{} visits, {} failed", visits.count(), visits.failures()));
  }
  CHECK(stack.inspect("langfuse-web", "{{.Id}} {{.State.StartedAt}}") == serving);
  const std::string now = stack.inspect("langfuse-worker", "{{.Id}} {{.State.StartedAt}}");
  CHECK(now != started);
  CHECK(now.substr(0, now.find(' ')) == started.substr(0, started.find(' ')));
  stack.check_serving();
  const std::string generation(stack.json({"backup", "show"}).at("generation").as_string());
  stack.use_on();
  const std::string used = stack.data();

  // What fails after the swap turns the old data back, in every store.
  {
    const Stopwatch watch;
    const Ended failed = stack({"restore", "latest", "--yes"});
    MESSAGE(fmt::format("restore that is undone {:.1f} s", watch.seconds()));
    INFO(failed.all());
    CHECK(failed.exit_code == 1);
    CHECK(contains(failed.all(), "gate"));
  }
  CHECK(stack.data() == used);
  stack.check_tidy();
  stack.check_serving();

  // The restore, after all is gone.
  stack.destroy();
  {
    const Stopwatch watch;
    const Ended restored = stack({open_gate, "restore", generation, "--yes"});
    MESSAGE(fmt::format("restore {:.1f} s", watch.seconds()));
    INFO(restored.all());
    REQUIRE(restored.exit_code == 0);
  }
  CHECK(stack.data(true) == saved);
  const std::string all = stack.data();
  CHECK(stack.broken() == LoadedStack::whole);
  stack.check_tidy();
  stack.check_serving();
  const Ended health = stack({"health"});
  INFO(health.all());
  CHECK(health.exit_code == 0);

  // The drill, beside it.
  const std::string lives = stack.lives();
  const std::string there = named(stack.name());
  {
    const Stopwatch watch;
    const Ended drilled = stack({"backup", "drill", generation});
    MESSAGE(fmt::format("drill {:.1f} s", watch.seconds()));
    INFO(drilled.all());
    REQUIRE(drilled.exit_code == 0);
  }
  CHECK(stack.lives() == lives);
  CHECK(stack.data() == all);
  CHECK(named(stack.name()) == there);
  CHECK(named(stack.name() + "-drill").empty());
  const fs::path state = stack.box().state_dir(stack.name());
  CHECK_FALSE(fs::exists(state / "scratch"));
  const auto receipt =
      boost::json::parse(fusebox::test::slurp(state / "plugins/backup/drills.jsonl"));
  CHECK(receipt.at("generation") == boost::json::value(generation));
  CHECK(receipt.at("sources").as_array().size() == 4);

  // And all of it without fusebox.
  stack.follow_the_page(generation);
  CHECK(stack.data(true) == saved);
  CHECK(stack.broken() == LoadedStack::whole);
}
