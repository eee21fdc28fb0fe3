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
INSERT INTO other.`odd name` SELECT number FROM numbers(7))";

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
    "other.odd name":7})"));
  const Answer inspected = rig.inspect(stream);
  INFO(inspected.what);
  CHECK(inspected.rc == FBX_OK);
  rig.ask(later);
  const std::string live = rig.state();
  CHECK(live != captured);

  rig.must_stage(stream);
  CHECK(rig.state() == live);
  rig.must_stage(stream);  // replaces the first
  rig.must_turn("new");
  CHECK(rig.state() == captured);
  rig.must_turn("new");
  CHECK(rig.state() == captured);
  const Answer counted = rig.count();
  CHECK(json::parse(counted.text).at("counts") == rig.captured.at("counts"));

  rig.must_turn("old");
  CHECK(rig.state() == live);
  nothing_is_left(rig);
  rig.must_turn("old");
  CHECK(rig.turn("new").rc == FBX_NOT_FOUND);

  rig.must_stage(stream);
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
