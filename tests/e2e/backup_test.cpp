// SPDX-License-Identifier: Apache-2.0
// Backups of real servers: made while they are written to, verified, brought back by hand with
// standard tools alone, killed at random moments, damaged.
#include "e2e/by_hand.hpp"
#include "e2e/loaded_demo.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <boost/json.hpp>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

using fusebox::test::contains;
using fusebox::test::DemoStack;
using fusebox::test::Ended;
using fusebox::test::LoadedDemo;
using fusebox::test::skip_unless_complete;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

std::int64_t number(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

void flip_bit(const fs::path& file) {
  std::string bytes = fusebox::test::slurp(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE(
    "D24 D30: what was committed before a backup is in it, and standard tools bring it back") {
  skip_unless_complete();
  LoadedDemo stack;
  // Rows go on being written, in transactions of a parent and its children, while it is made.
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int id = 1000; !stop; ++id) {
      const auto ended =
          stack({"pg-tool", "--", "psql", "-Atqc",
                 fmt::format("BEGIN; INSERT INTO project VALUES ({0}, 'new'); INSERT "
                             "INTO trace (project, v) SELECT {0}, 'new' FROM "
                             "generate_series(1, 10); COMMIT",
                             id),
                 "postgres"});
      if (ended.exit_code == 0) ++written;
      const auto more = stack({"clickhouse-shell", "--", "-q",
                               "INSERT INTO lf.traces (id, v) SELECT number + 1000000, 'new' FROM "
                               "numbers(10)"});
      if (more.exit_code == 0) ++written;
    }
  });
  while (written < 4) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto before_pg = number(stack.sql("SELECT count(*) FROM trace"));
  const auto before_ch = number(stack.clickhouse("SELECT count() FROM lf.traces"));
  const int written_before = written;
  const Ended made = stack({"backup", "create", "--note", "while it is used"});
  const int written_after = written;
  stop = true;
  writer.join();
  expect(made, 0);
  CHECK(written_after > written_before);

  const auto shown = stack.json({"backup", "show"});
  CHECK(shown.at("manifest").at("note") == "while it is used");
  const fs::path folder = stack.backups() / stack.newest();
  std::map<std::string, json::object> sources;
  for (const auto& source : shown.at("manifest").at("sources").as_array())
    sources[std::string(source.at("kind").as_string())] = source.as_object();
  REQUIRE(sources.size() == 4);

  // The page, on servers that hold nothing.
  fusebox::test::ByHand by_hand;
  const Ended followed = by_hand.follow(stack.box(), folder);
  expect(followed, 0);
  for (const auto& [table, count] : sources.at("postgres").at("counts").as_object())
    CHECK(
        contains(followed.out, fmt::format("{}|{}\n", std::string(table), json::serialize(count))));
  const auto restored = number(by_hand.sql("SELECT count(*) FROM trace"));
  CHECK(restored >= before_pg);
  CHECK(sources.at("postgres").at("counts").at("public.trace") == restored);
  const std::string content =
      "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM trace t WHERE id <= 5000";
  CHECK(by_hand.sql(content) + "\n" == stack.sql(content));
  CHECK(by_hand.sql("SELECT conrelid::regclass FROM pg_constraint WHERE contype = 'f'") == "trace");
  CHECK(by_hand.sql("SELECT nextval('trace_id_seq') > max(id) FROM trace") == "t");
  // Of each transaction all or nothing.
  CHECK(by_hand.sql("SELECT count(*) FROM (SELECT p.id FROM project p LEFT JOIN trace t ON "
                    "t.project = p.id WHERE p.id >= 1000 GROUP BY p.id HAVING count(t.id) <> 10) "
                    "x") == "0");
  const auto frozen =
      sources.at("clickhouse").at("counts").at("lf.traces").to_number<std::int64_t>();
  CHECK(frozen >= before_ch);
  CHECK(contains(followed.out, fmt::format("lf\ttraces\t{}\n", frozen)));
  const std::string sum = "SELECT sum(cityHash64(id, v)) FROM lf.traces WHERE id < 100000";
  CHECK(by_hand.clickhouse(sum) + "\n" == stack.clickhouse(sum));
  CHECK(sources.at("redis").at("counts").at("keys") == 20);
  CHECK(by_hand.redis("dbsize") == "20");
  CHECK(by_hand.redis("get key7") == "value7");
  CHECK(by_hand.object("events/3.json") == "{\"event\":3}");
  // RESTORE.txt says the same in short.
  const std::string text = fusebox::test::slurp(folder / "RESTORE.txt");
  for (const char* line :
       {"zstd -dc postgres.dump.zst | pg_restore --exit-on-error --no-owner --no-privileges "
        "--dbname=postgres",
        "docs/RESTORE-BY-HAND.md"})
    CHECK(contains(text, line));

  // No hard link, no staging folder, no secret is left behind.
  // <root>/data/lf/traces/
  const fs::path table = stack.clickhouse(
      "SELECT data_path FROM system.tables WHERE database = 'lf' AND name = 'traces'");
  CHECK(fs::is_empty(table.parent_path().parent_path().parent_path().parent_path() / "shadow"));
  expect(stack({"backup", "verify"}), 0);
}

TEST_CASE("D22 D31: a flipped bit or a cut in any file is found before anything relies on it") {
  skip_unless_complete();
  LoadedDemo stack;
  stack.must({"backup", "create"});
  const std::string name = stack.newest();
  for (const char* file : {"postgres.dump.zst", "clickhouse.tar.zst", "redis.rdb.zst",
                           "minio.tar.zst", "RESTORE.txt", "manifest.json"}) {
    CAPTURE(file);
    const fs::path path = stack.backups() / name / file;
    const std::string whole = fusebox::test::slurp(path);
    flip_bit(path);
    const Ended verified = stack({"backup", "verify", name});
    INFO(verified.all());
    CHECK(verified.exit_code == 3);
    fs::resize_file(path, whole.size() / 2);
    CHECK(stack.generations().at(0).at("problem").is_string());
    CHECK(stack({"backup", "verify", name}).exit_code == 3);
    std::ofstream(path, std::ios::binary) << whole;
  }
  expect(stack({"backup", "verify", name}), 0);
}

TEST_CASE("a server that is down fails the backup, and leaves no generation") {
  skip_unless_complete();
  LoadedDemo stack;
  stack.must({"stop", "postgres"});
  const Ended failed = stack({"backup", "create"});
  INFO(failed.all());
  CHECK(failed.exit_code == 1);
  CHECK(stack.generations().empty());
  stack.must({"start", "postgres"});
  stack.must({"backup", "create"});
  CHECK(stack.generations().size() == 1);
}

TEST_CASE("D26: a setting that is not known is an error, not dead text") {
  skip_unless_complete();
  DemoStack stack;
  const Ended wrong = stack({"--set=plugins.backup.keep_dayly=7", "backup", "list"});
  INFO(wrong.all());
  CHECK(wrong.exit_code == 2);
  CHECK(wrong.err.find("keep_daily") != std::string::npos);
}

TEST_CASE("D25: prune says why each stays or goes, and never takes a pinned one") {
  skip_unless_complete();
  LoadedDemo stack;
  stack.must({"backup", "create", "--pin", "before the update"});
  const std::string pinned = stack.newest();
  for (int i = 0; i < 3; ++i) stack.must({"backup", "create"});
  const std::string newest = stack.newest();
  const Ended plan = stack({"backup", "prune", "--dry-run"});
  expect(plan, 0);
  CHECK(plan.out.find("pinned: before the update") != std::string::npos);
  CHECK(plan.out.find("no rule keeps it") != std::string::npos);
  CHECK(stack.generations().size() == 4);
  expect(stack({"backup", "prune"}), 0);
  const auto left = stack.generations();
  REQUIRE(left.size() == 2);
  CHECK(left.at(0).at("generation") == json::value(newest));
  CHECK(left.at(1).at("generation") == json::value(pinned));
  const Ended none =
      stack({"--set=plugins.backup.keep_daily=0", "--set=plugins.backup.keep_weekly=0",
             "--set=plugins.backup.keep_monthly=0", "backup", "prune"});
  CHECK(none.exit_code != 0);
  CHECK(stack.generations().size() == 2);
}

TEST_CASE(
    "kill -9 at random moments of a backup leaves whole generations and nothing listed broken") {
  skip_unless_complete();
  LoadedDemo stack;
  stack.must({"backup", "create"});
  std::mt19937 random(4);
  for (int round = 0; round < 25; ++round) {
    const pid_t child = stack.spawn({"backup", "create"});
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1500));
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (const auto& one : stack.generations()) CHECK(one.at("problem").is_null());
    const Ended recovered = stack({"recover", "--undo"});
    INFO(recovered.all());
    CHECK((recovered.exit_code == 0 || recovered.err.find("no run") != std::string::npos));
  }
  stack.must({"backup", "create"});
  const auto listed = stack.json({"backup", "list"});
  CHECK(listed.at("interrupted").as_array().empty());
  for (const auto& one : listed.at("generations").as_array())
    expect(stack({"backup", "verify", std::string(one.at("generation").as_string())}), 0);
}
