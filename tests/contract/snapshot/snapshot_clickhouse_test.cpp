// SPDX-License-Identifier: Apache-2.0
// A capture of a real ClickHouse server, restored beside the live data, made live and taken back.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "clickhouse_rig.hpp"

using fusebox::test::Answer;
using fusebox::test::ClickHouseRig;
namespace json = boost::json;

namespace {

const char* const schema = R"(
CREATE DATABASE lf;
CREATE TABLE lf.traces (id UInt64, v Nullable(String), d Date) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(d) ORDER BY id;
CREATE TABLE lf.days (d Date, n UInt64) ENGINE = SummingMergeTree ORDER BY d;
CREATE MATERIALIZED VIEW lf.to_days TO lf.days AS SELECT d, count() AS n FROM lf.traces GROUP BY d;
CREATE VIEW lf.z_ids AS SELECT id FROM lf.traces;
CREATE VIEW lf.`a view of a view` AS SELECT max(id) AS newest FROM lf.z_ids;
CREATE TABLE lf.empty (id UInt64) ENGINE = MergeTree ORDER BY id;
CREATE DATABASE other;
CREATE TABLE other.`odd name` (id UInt64) ENGINE = MergeTree ORDER BY id;
INSERT INTO lf.traces SELECT number, if(number % 3 = 0, NULL, toString(number)),
  toDate('2026-09-01') + number % 90 FROM numbers(3000);
INSERT INTO lf.traces SELECT number, 'a newer row', toDate('2026-09-01') FROM numbers(10);
INSERT INTO other.`odd name` SELECT number FROM numbers(7);
CREATE TABLE other.shared AS lf.traces;
ALTER TABLE other.shared REPLACE PARTITION 202609 FROM lf.traces)";

// What happens to the live data after a capture.
const char* const later = R"(
INSERT INTO lf.traces SELECT number + 100000, 'later', toDate('2026-11-24') FROM numbers(50);
CREATE TABLE lf.made_later (id UInt64) ENGINE = MergeTree ORDER BY id;
INSERT INTO lf.made_later SELECT number FROM numbers(5);
CREATE MATERIALIZED VIEW lf.view_made_later TO lf.made_later AS SELECT id FROM lf.traces;
DROP TABLE other.`odd name`;
CREATE TABLE other.`odd name` (id UInt64, more String) ENGINE = MergeTree ORDER BY id)";

void nothing_is_left(const ClickHouseRig& rig) {
  CHECK(rig.of_tags() == "");
  CHECK(rig.files_of_tags().empty());
}

}  // namespace

TEST_CASE("a capture becomes live with its partitions and views, is taken back, and is settled") {
  ClickHouseRig rig;
  rig.ask(schema);
  const std::string captured = rig.state();
  const std::string stream = rig.capture();
  CHECK(rig.captured.at("counts") == json::parse(R"({"lf.days":91,"lf.empty":0,"lf.traces":3010,
    "other.odd name":7,"other.shared":1030})"));
  const Answer inspected = rig.inspect(stream);
  INFO(inspected.what);
  CHECK(inspected.rc == FBX_OK);
  rig.ask(later);
  const std::string live = rig.state();
  CHECK(live != captured);
  CHECK(json::parse(rig.count(true).text).at("digests").at("lf.traces") !=
        rig.captured.at("digests").at("lf.traces"));

  rig.must_stage(stream);
  CHECK(rig.state() == live);
  rig.must_turn("new");
  CHECK(rig.state() == captured);
  rig.must_turn("new");
  CHECK(rig.state() == captured);
  const auto counted = json::parse(rig.count(true).text);
  CHECK(counted.at("counts") == rig.captured.at("counts"));
  CHECK(counted.at("digests") == rig.captured.at("digests"));
  CHECK(counted.at("digests").as_object().size() == 4);

  rig.must_turn("old");
  CHECK(rig.state() == live);
  nothing_is_left(rig);
  rig.must_turn("old");
  CHECK(rig.turn("new").rc == FBX_NOT_FOUND);

  rig.die_after(ClickHouseRig::kNever);
  rig.must_stage(stream);
  rig.must_stage(stream);  // replaces the first
  CHECK(rig.turn("settled").rc == FBX_CONFLICT);
  rig.must_turn("new");
  rig.must_turn("settled");
  CHECK(rig.state() == captured);
  nothing_is_left(rig);
  rig.must_turn("settled");
  rig.must_turn("old");
  CHECK(rig.state() == captured);

  // The materialized view feeds its table once, and merges go on.
  rig.ask("INSERT INTO lf.traces VALUES (777777, 'new', '2027-01-01')");
  CHECK(rig.ask("SELECT sum(n) FROM lf.days WHERE d = '2027-01-01'") == "1\n");
  rig.ask("OPTIMIZE TABLE lf.traces PARTITION 202609 FINAL");
  CHECK(rig.ask("SELECT count() FROM lf.traces WHERE id < 10") == "10\n");
}

namespace {

// Little of everything, so that there are few statements to stop after.
const char* const small_schema = R"(
CREATE DATABASE lf;
CREATE TABLE lf.traces (id UInt64, d Date) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(d)
  ORDER BY id;
CREATE TABLE lf.days (d Date, n UInt64) ENGINE = SummingMergeTree ORDER BY d;
CREATE MATERIALIZED VIEW lf.to_days TO lf.days AS SELECT d, count() AS n FROM lf.traces GROUP BY d;
CREATE DATABASE gone;
CREATE TABLE gone.t (id UInt64) ENGINE = MergeTree ORDER BY id;
INSERT INTO lf.traces SELECT number, toDate('2026-10-15') + number FROM numbers(30);
INSERT INTO gone.t VALUES (1))";

const char* const small_later = R"(
DROP DATABASE gone;
INSERT INTO lf.traces VALUES (1000, '2026-11-24');
CREATE TABLE lf.made_later (id UInt64) ENGINE = MergeTree ORDER BY id;
INSERT INTO lf.made_later VALUES (5))";

struct Small {
  Small() {
    rig.ask(small_schema);
    captured = rig.state();
    stream = rig.capture();
    rig.ask(small_later);
    live = rig.state();
    rig.die_after(ClickHouseRig::kNever);
  }
  // The whole way in steps of as few effects as move it; `each` looks at what is there after a
  // step.
  template <class Each>
  int creep(const std::string& to, Each each) {
    int effects = 1;
    for (int steps = 1; steps < 100; ++steps) {
      const std::string before = rig.tables();
      rig.die_after(effects);
      const Answer answer = rig.turn(to);
      const bool died = rig.is_dead();
      rig.die_after(ClickHouseRig::kNever);
      INFO(to, " ", steps, ": ", answer.what);
      if (!died) {
        CHECK(answer.rc == FBX_OK);
        return steps;
      }
      each();
      effects = rig.tables() == before ? effects + 1 : 1;
    }
    FAIL("it makes no way");
    return 0;
  }
  ClickHouseRig rig;
  std::string captured;
  std::string live;
  std::string stream;
};

}  // namespace

TEST_CASE("a turn that is killed after any statement goes on from there") {
  Small with;
  with.rig.must_stage(with.stream);
  CHECK(with.creep("new", [] {}) > 10);
  CHECK(with.rig.state() == with.captured);
  CHECK(with.creep("old", [] {}) > 10);
  CHECK(with.rig.state() == with.live);
  nothing_is_left(with.rig);

  with.rig.must_stage(with.stream);
  with.rig.must_turn("new");
  bool began = false;
  with.creep("settled", [&] {
    const Answer back = with.rig.turn("old");
    INFO(back.what);
    CHECK((back.rc == FBX_CONFLICT || (began && with.rig.of_tags() == "")));
    began = true;
    CHECK(with.rig.state() == with.captured);
  });
  CHECK(with.rig.state() == with.captured);
  nothing_is_left(with.rig);
}

TEST_CASE("wherever a turn was killed, the old data comes back exactly, and no other") {
  Small with;
  for (int effects = 0;; ++effects) {
    CAPTURE(effects);
    with.rig.must_stage(with.stream);
    with.rig.die_after(effects);
    with.rig.turn("new");
    const bool died = with.rig.is_dead();
    // On the way back it is killed, too.
    with.rig.die_after(effects % 5);
    with.rig.turn("old");
    with.rig.die_after(ClickHouseRig::kNever);
    if (effects % 3 == 0) with.rig.turn("new");
    with.rig.must_turn("old");
    CHECK(with.rig.state() == with.live);
    nothing_is_left(with.rig);
    if (!died) break;
  }
}

TEST_CASE("a stage that is killed anywhere leaves the live data alone, and can be removed") {
  Small with;
  for (int effects = 0;; ++effects) {
    CAPTURE(effects);
    with.rig.die_after(effects);
    const Answer staged = with.rig.stage(with.stream);
    const bool died = with.rig.is_dead();
    with.rig.die_after(ClickHouseRig::kNever);
    CHECK((staged.rc == FBX_OK) == !died);
    if (!died) break;
    CHECK(with.rig.turn("new").rc == FBX_NOT_FOUND);
    if (effects % 2 == 0) {
      with.rig.must_turn("old");
      nothing_is_left(with.rig);
    }
    CHECK(with.rig.state() == with.live);
  }
  with.rig.must_turn("old");
  nothing_is_left(with.rig);
}

TEST_CASE("a stream that is damaged, cut off, or of other counts leaves nothing of the tag") {
  Small with;
  const auto refused = [&](const std::string& stream) {
    const Answer answer = with.rig.stage(stream);
    INFO(answer.what);
    CHECK(answer.rc == FBX_FAILED);
    nothing_is_left(with.rig);
  };
  const std::size_t end = with.stream.find_last_not_of('\0');
  for (const std::size_t size : {std::size_t{0}, std::size_t{700}, end / 3, end / 2, end - 600}) {
    CAPTURE(size);
    refused(with.stream.substr(0, size));
  }
  // What only the server knows to be wrong.
  std::string other = with.stream;
  other[other.find("checksums format version")] = 'X';
  refused(other);
  with.rig.captured.at("counts").as_object()["lf.traces"] = 29;
  refused(with.stream);
  CHECK(with.rig.state() == with.live);
}

TEST_CASE("the live data is written while a capture is staged beside it, and none of it is lost") {
  Small with;
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int id = 5000; !stop; ++id) {
      with.rig.ask(fmt::format("INSERT INTO lf.traces VALUES ({}, '2026-11-24')", id));
      ++written;
    }
  });
  while (written == 0) std::this_thread::yield();
  const int before = written;
  with.rig.must_stage(with.stream);
  const int after = written;
  stop = true;
  writer.join();
  CHECK(after > before);
  const std::string live = with.rig.state();
  CHECK(with.rig.ask("SELECT count() FROM lf.traces WHERE id >= 5000") ==
        fmt::format("{}\n", written.load()));
  // What is staged is no part of a capture.
  with.rig.capture();
  CHECK_FALSE(with.rig.captured.at("counts").as_object().contains("fbx_1t_new_lf.traces"));
  with.rig.must_turn("new");
  CHECK(with.rig.state() == with.captured);
  with.rig.must_turn("old");
  CHECK(with.rig.state() == live);
}

TEST_CASE("a table that somebody made while the turn was half way does not hide the real one") {
  Small with;
  with.rig.must_stage(with.stream);
  const auto half_way = [&] {
    int effects = 0;
    do {
      with.rig.die_after(++effects);
      with.rig.turn("new");
    } while (with.rig.ask("EXISTS TABLE lf.traces") == "1\n");
    with.rig.die_after(ClickHouseRig::kNever);
  };
  half_way();
  with.rig.ask("CREATE TABLE lf.traces (id UInt64, d Date) ENGINE = MergeTree ORDER BY id");
  with.rig.must_turn("old");
  CHECK(with.rig.state() == with.live);

  with.rig.must_stage(with.stream);
  half_way();
  with.rig.ask(
      "CREATE TABLE lf.traces (id UInt64, d Date) ENGINE = MergeTree ORDER BY id;\n"
      "INSERT INTO lf.traces VALUES (1, '2026-11-24')");
  const Answer torn = with.rig.turn("old");
  CHECK(torn.rc == FBX_CONFLICT);
  CHECK(torn.what.find("lf.traces") != std::string::npos);
  with.rig.ask("CREATE DATABASE mine;\nRENAME TABLE lf.traces TO mine.traces");
  with.rig.must_turn("old");
  CHECK(with.rig.ask("SELECT count() FROM lf.traces") == "31\n");
}

TEST_CASE("what cannot be put aside or made again is refused before anything changes") {
  Small with;
  const std::string tables =
      "CREATE TABLE lf.log (id UInt64) ENGINE = TinyLog;\n"
      "INSERT INTO lf.log VALUES (1)";
  with.rig.ask(tables);
  const std::string stream = with.rig.capture();
  CHECK(with.rig.captured.at("left_out") == json::array{"lf.log (TinyLog)"});
  with.rig.must_stage(stream);
  with.rig.must_turn("new");
  CHECK(with.rig.ask("SELECT count() FROM lf.log") == "0\n");
  with.rig.must_turn("old");
  CHECK(with.rig.ask("SELECT count() FROM lf.log") == "1\n");

  with.rig.ask(
      "CREATE MATERIALIZED VIEW lf.own ENGINE = MergeTree ORDER BY d AS SELECT d FROM lf.traces");
  const std::string live = with.rig.state();
  const Answer of_live = with.rig.stage(stream);
  CHECK(of_live.rc == FBX_UNSUPPORTED);
  CHECK(of_live.what.find(".inner.own") != std::string::npos);
  CHECK(of_live.hint.find("TO") != std::string::npos);
  CHECK(with.rig.state() == live);

  const std::string with_own = with.rig.capture();
  with.rig.ask("DROP TABLE lf.own");
  const Answer of_capture = with.rig.stage(with_own);
  CHECK(of_capture.rc == FBX_UNSUPPORTED);
  nothing_is_left(with.rig);
  CHECK(with.rig.stage(with_own, "No Tag").rc == FBX_ARGUMENT);
}
