// SPDX-License-Identifier: Apache-2.0
// A dump restored beside the live database, turned in and turned back, on a real server.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "beside.hpp"
#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/servers.hpp"
#include "support/temp_dir.hpp"

using fusebox::test::Answer;
using fusebox::test::ConfiguredPlugin;
using fusebox::test::FakeHost;
using fusebox::test::PostgresServer;
using fusebox::test::TempDir;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

const char* const tag = "20261124t0200007f3a";

PostgresServer& server() {
  static PostgresServer one;
  static const bool started = [] {
    one.start();
    return true;
  }();
  (void)started;
  return one;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Where this server's own programs are found: Debian's in PATH are slow wrappers of them.
std::string path() {
  const fs::path bin = fs::read_symlink(fmt::format("/proc/{}/exe", server().pid())).parent_path();
  return bin.string() + ":" + std::getenv("PATH");
}

std::map<std::string, std::string> environment(const std::string& database = {}) {
  std::map<std::string, std::string> all{
      {"PATH", path()}, {"PGHOST", "127.0.0.1"}, {"PGPORT", std::to_string(server().port())}};
  if (database.empty()) return all;
  all.insert(
      {{"PGUSER", "postgres"}, {"PGPASSWORD", server().password()}, {"PGDATABASE", database}});
  return all;
}

// A database of its own with the plugin that captures it.
class Database {
 public:
  explicit Database(std::string name, json::object more = {}) : name_(std::move(name)) {
    fusebox::test::skip_program_if(PostgresServer::missing());
    host.secrets["PASSWORD"] = server().password();
    host.exec = [this](std::string_view request, int in, int out, int err) {
      return fusebox::test::run_beside(request, in, out, err, environment(), host.secrets);
    };
    if (name_ != "postgres") admin(fmt::format("CREATE DATABASE {}", name_));
    json::object settings{{"database", name_}, {"password", {{"secret", "PASSWORD"}}}};
    for (const auto& [key, value] : more) settings[key] = value;
    plugin_ = std::make_unique<ConfiguredPlugin>(host, SNAPSHOT_LIBRARY, settings);
  }

  void run(const std::string& text) const { REQUIRE(ask(text, name_) != "failed"); }
  static void admin(const std::string& text) { REQUIRE(ask(text, "template1") != "failed"); }
  // What a query prints, in a session of its own.
  static std::string ask(const std::string& text, const std::string& database) {
    const fs::path file = server().folder() / "answer";
    const int out = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const json::object request{{"command", {"psql", "-X", "-v", "ON_ERROR_STOP=1", "-Atqc", text}},
                               {"environment", json::object{}}};
    const int code =
        fusebox::test::run_beside(json::serialize(request), -1, out, -1, environment(database), {});
    ::close(out);
    std::string answer = slurp(file);
    if (!answer.empty()) answer.pop_back();
    return code == 0 ? answer : "failed";
  }
  std::string ask(const std::string& text) const { return ask(text, name_); }
  static std::string of_tags() {
    return ask("SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'fbx\\_%'",
               "template1");
  }

  // Until no other session is left.
  void wait_alone() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (
        ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid "
            "<> pg_backend_pid()",
            "template1") != "0") {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  json::object capture() {
    const int fd = ::open(dump().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const Answer answer = with_fd(&fbx_snapshot_v1::capture, {{"source", "x"}}, fd);
    ::close(fd);
    INFO(answer.what);
    REQUIRE(answer.rc == FBX_OK);
    captured_ = json::parse(answer.text).as_object();
    return captured_;
  }
  Answer stage(const std::string& name = tag) { return stage_file(dump(), name); }
  Answer stage_file(const fs::path& file, const std::string& name = tag) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    json::object request{{"source", "x"}, {"tag", name}};
    for (const char* key : {"counts", "facts"})
      if (captured_.contains(key)) request[key] = captured_.at(key);
    Answer answer = with_fd(&fbx_snapshot_v1::stage, request, fd);
    ::close(fd);
    return answer;
  }
  Answer turn(const std::string& to) {
    return call(&fbx_snapshot_v1::turn, {{"source", "x"}, {"tag", tag}, {"to", to}});
  }
  void must_turn(const std::string& to) {
    const Answer answer = turn(to);
    INFO(to, ": ", answer.what);
    REQUIRE(answer.rc == FBX_OK);
  }
  void must_stage() {
    const Answer answer = stage();
    INFO(answer.what);
    REQUIRE(answer.rc == FBX_OK);
    CHECK(json::parse(answer.text).at("counts") == captured_.at("counts"));
  }
  json::object count() {
    const Answer answer =
        call(&fbx_snapshot_v1::count,
             {{"source", "x"}, {"facts", captured_.at("facts")}, {"digests", true}});
    INFO(answer.what);
    REQUIRE(answer.rc == FBX_OK);
    return json::parse(answer.text).as_object();
  }
  bool is_as_captured() {
    const json::object now = count();
    return now.at("counts") == captured_.at("counts") &&
           now.at("digests") == captured_.at("digests");
  }
  // Names as a crash may have left them.
  std::string named(const std::string& state) const {
    const std::string hash =
        ask(fmt::format("SELECT left(encode(sha256('{}'), 'hex'), 8)", name_), "template1");
    return fmt::format("fbx_{}_{}_{}", tag, hash, state);
  }
  fs::path dump() const { return folder_ / "dump"; }
  json::object& captured() { return captured_; }

  FakeHost host;

 private:
  using Slot = fbx_rc (*fbx_snapshot_v1::*)(fbx_instance*, fbx_op*, fbx_str, fbx_sink);
  using FdSlot = fbx_rc (*fbx_snapshot_v1::*)(fbx_instance*, fbx_op*, fbx_str, std::int32_t,
                                              fbx_sink);
  Answer call(Slot slot, const json::object& request) {
    auto& loaded = plugin_->loaded();
    return loaded.call([&](fbx_op* op, fbx_sink out) {
      return (loaded.table<fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT).*slot)(
          loaded.instance(), op, fbx::to_str(json::serialize(request)), out);
    });
  }
  Answer with_fd(FdSlot slot, const json::object& request, int fd) {
    auto& loaded = plugin_->loaded();
    return loaded.call([&](fbx_op* op, fbx_sink out) {
      return (loaded.table<fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT).*slot)(
          loaded.instance(), op, fbx::to_str(json::serialize(request)), fd, out);
    });
  }
  std::string name_;
  TempDir folder_;
  json::object captured_;
  std::unique_ptr<ConfiguredPlugin> plugin_;
};

const char* const shop =
    "CREATE TABLE buyer (id serial PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now(), "
    "weight float8, photo bytea);"
    "CREATE TABLE sale (id bigserial PRIMARY KEY, buyer int NOT NULL REFERENCES buyer, v jsonb);"
    "INSERT INTO buyer (name, weight, photo) SELECT 'buyer ' || g, g / 3.0, sha256(g::text::bytea) "
    "FROM generate_series(1, 50) g;"
    "INSERT INTO sale (buyer, v) SELECT 1 + g % 50, jsonb_build_object('n', g) FROM "
    "generate_series(1, 2000) g";

}  // namespace

TEST_CASE("what a restore brought in is live with all its parts, and can be taken back") {
  Database live("postgres");  // as Langfuse's is called
  live.run(shop);
  live.run(
      "CREATE ROLE reader; GRANT SELECT ON buyer TO reader; GRANT TEMPORARY ON DATABASE "
      "postgres TO reader WITH GRANT OPTION;"
      "ALTER DATABASE postgres SET search_path = \"$user\", public, \"odd name\";"
      "ALTER DATABASE postgres SET work_mem = '7MB';"
      "ALTER ROLE reader IN DATABASE postgres SET statement_timeout = '9s';"
      "ALTER DATABASE postgres CONNECTION LIMIT 77;"
      "SELECT lo_from_bytea(4711, 'a large object');"
      "CREATE TABLE base (id int); CREATE TABLE derived () INHERITS (base);"
      "INSERT INTO derived VALUES (1)");
  const json::object captured = live.capture();
  CHECK(captured.at("counts") == json::value{{"public.base", 0},
                                             {"public.buyer", 50},
                                             {"public.derived", 1},
                                             {"public.sale", 2000}});
  CHECK(json::serialize(captured.at("left_out")).find("reader") != std::string::npos);
  live.run(
      "CREATE TABLE later (id int); DELETE FROM sale WHERE id > 3; UPDATE buyer SET name = 'x'");
  live.must_stage();
  CHECK(live.ask("SELECT count(*) FROM sale") == "3");

  // Clients that reconnect as fast as they can.
  std::atomic<bool> stop{false};
  std::atomic<int> turns{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i)
    clients.emplace_back([&] {
      const json::object request{{"command", {"psql", "-X", "-Atqc", "SELECT pg_sleep(60)"}},
                                 {"environment", json::object{}}};
      while (!stop) {
        fusebox::test::run_beside(json::serialize(request), -1, -1, -1, environment("postgres"),
                                  {});
        ++turns;
      }
    });
  live.must_turn("new");
  live.must_turn("new");
  CHECK(live.is_as_captured());
  CHECK(live.ask("SELECT to_regclass('later') IS NULL") == "t");
  CHECK(live.ask("INSERT INTO sale (buyer, v) VALUES (1, '{}') RETURNING id") == "2001");
  CHECK(live.ask("INSERT INTO sale (buyer) VALUES (51)") == "failed");
  CHECK(live.ask("SHOW search_path") == "\"$user\", public, \"odd name\"");
  CHECK(live.ask("SHOW work_mem") == "7MB");
  CHECK(live.ask("SELECT convert_from(lo_get(4711), 'UTF8')") == "a large object");
  CHECK(live.ask("SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'reader'::regrole AND "
                 "setdatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres')") ==
        "{statement_timeout=9s}");
  CHECK(live.ask("SELECT datconnlimit, datacl::text LIKE '%reader=T*/%', "
                 "has_table_privilege('reader', 'buyer', 'SELECT') FROM pg_database WHERE datname "
                 "= 'postgres'") == "77|t|t");
  CHECK(live.ask("SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relname = "
                 "'buyer'") == "t");
  live.must_turn("old");
  live.must_turn("old");
  stop = true;
  Database::admin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE "
      "'%sleep(60)'");
  for (std::thread& client : clients) client.join();
  CHECK(turns >= 4);
  CHECK(live.ask("SELECT count(*) FROM sale") == "3");
  CHECK(live.ask("SELECT to_regclass('later') IS NULL") == "f");
  CHECK(Database::of_tags() == "");

  live.must_stage();
  live.must_stage();
  live.must_turn("new");
  CHECK(live.stage().rc == FBX_CONFLICT);
  live.must_turn("settled");
  live.must_turn("settled");
  CHECK(Database::of_tags() == "");
  CHECK(live.is_as_captured());
  live.must_turn("old");
  CHECK(live.is_as_captured());
  CHECK(live.turn("new").rc == FBX_NOT_FOUND);
}

TEST_CASE("a stream that was cut off, or is not what was captured, leaves nothing behind") {
  Database live("cut");
  live.run(shop);
  live.capture();
  const std::string whole = slurp(live.dump());
  const fs::path cut = live.dump().parent_path() / "cut";
  for (const std::size_t size : {std::size_t{3000}, whole.size() / 2, whole.size() - 1000}) {
    CAPTURE(size);
    std::ofstream(cut, std::ios::binary) << whole.substr(0, size);
    const Answer refused = live.stage_file(cut);
    CHECK(refused.rc == FBX_FAILED);
    CHECK(refused.what.find("pg_restore") != std::string::npos);
    CHECK(Database::of_tags() == "");
  }
  live.captured()["counts"].as_object()["public.sale"] = 2001;
  const Answer refused = live.stage();
  CHECK(refused.rc == FBX_FAILED);
  CHECK(refused.what.find("public.sale has 2000 rows instead of 2001") != std::string::npos);
  live.captured()["counts"].as_object()["public.sale"] = 2000;
  live.captured()["counts"].as_object().erase("public.buyer");
  CHECK(live.stage().what.find("public.buyer should not be there") != std::string::npos);
  live.captured()["facts"].as_object()["database_bytes"] = "900000000000000";
  const Answer full = live.stage();
  CHECK(full.rc == FBX_IO);
  CHECK(full.what.find("free") != std::string::npos);
  CHECK(Database::of_tags() == "");
  CHECK(live.turn("new").rc == FBX_NOT_FOUND);
  CHECK(live.turn("sideways").rc == FBX_ARGUMENT);
  CHECK(live.stage("no; tag").rc == FBX_ARGUMENT);
}

TEST_CASE("wherever a restore died, the next call finds out and ends in the same state") {
  Database live("crash");
  live.run(shop);
  live.capture();
  live.run("DELETE FROM sale");
  const auto make = [&](const std::string& state) {
    Database::admin(fmt::format("CREATE DATABASE {}", live.named(state)));
  };
  const auto rename = [&](const std::string& from, const std::string& to) {
    Database::admin(fmt::format("ALTER DATABASE {} RENAME TO {}", from, to));
  };

  // While it was being filled.
  make("partial");
  CHECK(live.turn("new").rc == FBX_NOT_FOUND);
  live.must_stage();
  make("partial");
  live.must_turn("old");
  CHECK(Database::of_tags() == "");

  // Before what was new is gone.
  live.must_stage();
  live.must_turn("new");
  rename("crash", live.named("partial"));
  rename(live.named("old"), "crash");
  live.must_turn("old");
  CHECK(live.ask("SELECT count(*) FROM sale") == "0");
  CHECK(Database::of_tags() == "");

  // While the old one is going.
  live.must_stage();
  CHECK(live.turn("settled").rc == FBX_CONFLICT);
  live.must_turn("new");
  rename(live.named("old"), live.named("dropped"));
  const Answer late = live.turn("old");
  CHECK(late.rc == FBX_CONFLICT);
  CHECK(late.what.find("no longer whole") != std::string::npos);
  CHECK(live.is_as_captured());
  live.must_turn("settled");
  CHECK(Database::of_tags() == "");
  CHECK(live.is_as_captured());
}

TEST_CASE("killed at random moments, a restore is taken back whole") {
  Database live("killed");
  live.run(shop);
  live.capture();
  live.run("DELETE FROM sale WHERE id > 7");
  std::mt19937 random(11);
  for (int round = 0; round < 6; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);  // its programs end with it
      if (live.stage().rc != FBX_OK || live.turn("new").rc != FBX_OK) ::_exit(1);
      ::_exit(live.turn("old").rc == FBX_OK ? 0 : 1);
    }
    ::setpgid(child, child);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 900));
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CAPTURE(round);
    live.must_turn("old");
    // What the killed one had asked of the server may be done after that, and goes with the next.
    live.wait_alone();
    live.must_turn("old");
    CHECK(Database::of_tags() == "");
    CHECK(live.ask("SELECT count(*) FROM sale") == "7");
  }
}

TEST_CASE("without the roles that a dump names, what it restores belongs to the restoring one") {
  Database live("roles");
  live.run(
      "CREATE ROLE \"some app\"; CREATE TABLE t (id int PRIMARY KEY);"
      "ALTER TABLE t OWNER TO \"some app\"; GRANT SELECT ON t TO pg_monitor");
  live.capture();
  live.must_stage();
  live.must_turn("new");
  CHECK(live.ask("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == "some app");
  live.must_turn("settled");
  live.run(
      "REASSIGN OWNED BY \"some app\" TO postgres; DROP OWNED BY \"some app\";"
      "DROP ROLE \"some app\"");
  live.must_stage();
  CHECK(live.host.logged("the server lacks the roles \"some app\""));
  live.must_turn("new");
  CHECK(live.ask("SELECT tableowner FROM pg_tables WHERE tablename = 't'") == "postgres");
}

TEST_CASE("a digest tells one changed value, and neither order nor settings") {
  const std::string fill =
      "CREATE TABLE t (id int PRIMARY KEY, at timestamptz, f float8, b bytea, m money);"
      "INSERT INTO t SELECT g, '2026-11-24 02:00:00+00'::timestamptz + g * interval '1 s', "
      "g / 7.0, sha256(g::text::bytea), g::money FROM generate_series(1, 1000) AS g ORDER BY {};"
      "CREATE TABLE no_key AS SELECT id, at FROM t; CREATE TABLE empty (); INSERT INTO empty "
      "DEFAULT VALUES";
  for (const int rows : {0, 100}) {
    CAPTURE(rows);
    Database one(fmt::format("one{}", rows), {{"digest_rows", rows}});
    Database two(fmt::format("two{}", rows), {{"digest_rows", rows}});
    one.run(fmt::format(fmt::runtime(fill), "1"));
    two.run(
        fmt::format("ALTER DATABASE two{} SET timezone = 'Asia/Tokyo'; ALTER DATABASE two{} SET "
                    "extra_float_digits = -3; ALTER DATABASE two{} SET bytea_output = 'escape'",
                    rows, rows, rows));
    two.run(fmt::format(fmt::runtime(fill), "1 DESC"));
    const json::object first = one.capture();
    CHECK(first.at("digests").as_object().size() == 3);
    CHECK(first.at("digests") == two.capture().at("digests"));
    CHECK(one.is_as_captured());
    // A table without a key is hashed whole.
    one.run("UPDATE no_key SET at = at + interval '1 microsecond' WHERE id = 500");
    CHECK(!one.is_as_captured());
    one.run("UPDATE no_key SET at = at - interval '1 microsecond' WHERE id = 500");
    CHECK(one.is_as_captured());
    one.run(rows == 100 ? "UPDATE t SET f = f + 1" : "UPDATE t SET f = f + 1 WHERE id = 500");
    CHECK(!one.is_as_captured());
  }
}
