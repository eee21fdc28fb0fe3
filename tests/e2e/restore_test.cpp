// SPDX-License-Identifier: Apache-2.0
// Restores and drills of real servers: what was destroyed comes back, and what fails or dies on the
// way leaves either the old data or the new, whole.
#include "e2e/loaded_demo.hpp"
#include "support/search.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <fstream>

using fusebox::test::contains;
using fusebox::test::Ended;
using fusebox::test::LoadedDemo;
using fusebox::test::skip_unless_complete;
namespace fs = std::filesystem;

namespace {

void expect(const Ended& ended, int exit_code) {
  INFO(ended.all());
  CHECK(ended.exit_code == exit_code);
}

// A key without which the data could not be read, and a step that can be made to fail late.
std::string with_key_and_gate(std::string text) {
  const std::string last = "  \"backup.compare\",\n  \"backup.settle\",\n";
  const auto at = text.find(last);
  REQUIRE(at != std::string::npos);
  text.replace(at, last.size(), "  \"backup.compare\",\n  \"gate.check\",\n  \"backup.settle\",\n");
  return text +
         "\n[plugins.backup.fingerprints]\nENCRYPTION_KEY = { secret = \"ENCRYPTION_KEY\" }\n"
         "\n[plugins.gate]\nuse = \"probe-http\"\nurl = \"http://127.0.0.1:1/\"\n";
}

constexpr const char* open_gate = "--skip=gate";

}  // namespace

TEST_CASE(
    "D19 D22 D23: what was destroyed comes back whole, and is counted; what fails is undone") {
  skip_unless_complete();
  LoadedDemo stack(with_key_and_gate);
  const std::string saved = stack.data();
  stack.must({"backup", "create"});
  const std::string generation = stack.newest();
  stack.use_on();
  const std::string used = stack.data();
  REQUIRE(used != saved);

  // Refused before anything stops: no terminal, no generation, another key, another source.
  expect(stack({"restore", "latest"}), 2);
  expect(stack({"restore", "--yes"}), 2);
  CHECK(stack({"restore", "20200101T000000Z-0000", "--yes"}).exit_code != 0);
  const std::string pid = stack.pid_of("redis");
  const fs::path secrets = stack.box() / "demo/.env";
  const std::string right = fusebox::test::slurp(secrets);
  std::string wrong = right;
  const auto key = wrong.find("ENCRYPTION_KEY='") + 16;
  wrong.replace(key, 4, wrong.substr(key, 4) == "0000" ? "1111" : "0000");
  std::ofstream(secrets) << wrong;
  const Ended refused = stack({open_gate, "restore", "latest", "--yes"});
  INFO(refused.all());
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.all(), "ENCRYPTION_KEY is not the key"));
  std::ofstream(secrets) << right;
  CHECK(stack.pid_of("redis") == pid);
  CHECK(stack.data() == used);

  // A failure after the swap turns the old data back, in every store.
  const Ended failed = stack({"restore", "latest", "--yes"});
  INFO(failed.all());
  CHECK(failed.exit_code == 1);
  CHECK(stack.data() == used);
  stack.check_tidy();
  CHECK(contains(stack({"restore", "latest", "--dry-run", open_gate}).out, generation));

  // The restore itself, after all is gone.
  stack.destroy();
  const Ended restored = stack({open_gate, "restore", "latest", "--yes"});
  INFO(restored.all());
  REQUIRE(restored.exit_code == 0);
  CHECK(contains(restored.all(), generation));
  CHECK(stack.data() == saved);
  stack.check_tidy();
  expect(stack({"health"}), 0);

  // What it replaced is a generation of its own, pinned, and never `latest`.
  const auto safety = stack.generations().at(0).as_object();
  CHECK(safety.at("pin") == "before a restore");
  CHECK(stack.json({"backup", "show"}).at("generation") == boost::json::value(generation));

  SUBCASE("one source alone, and what stays is told") {
    stack.sql("DELETE FROM trace");
    stack.must({"redis-cli", "--", "set", "key1", "newer"});
    const Ended one = stack({open_gate, "restore", generation, "--source", "snapshot-postgres",
                             "--yes", "--no-safety"});
    INFO(one.all());
    CHECK(one.exit_code == 0);
    CHECK(contains(one.all(), "snapshot-redis is not restored"));
    CHECK(stack.sql("SELECT count(*) FROM trace") == "5000\n");
    CHECK(contains(stack.must({"redis-cli", "--", "get", "key1"}), "newer"));
    CHECK(stack.generations().size() == 3);
  }
  SUBCASE("at a terminal it asks which one, and for the stack's name") {
    stack.use_on();
    const auto call = [&](const std::string& name) {
      return stack.at_terminal({open_gate, "restore", "--no-safety"},
                               {{"Which one?", "3\n"}, {"Type the stack's name", name + "\n"}});
    };
    const Ended not_meant = call("langfuse-prod");
    INFO(not_meant.all());
    CHECK(contains(not_meant.out, "nothing was done"));
    CHECK(stack.data() != saved);
    const Ended meant = call("langfuse-demo");
    INFO(meant.all());
    CHECK(meant.exit_code == 0);
    CHECK(stack.data() == saved);
  }
  SUBCASE("D22: a damaged generation stops nothing") {
    const fs::path file = stack.backups() / generation / "postgres.dump.zst";
    std::string bytes = fusebox::test::slurp(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::ofstream(file, std::ios::binary) << bytes;
    const std::string before = stack.pid_of("redis");
    const Ended damaged = stack({open_gate, "restore", generation, "--yes"});
    INFO(damaged.all());
    CHECK(damaged.exit_code == 1);
    CHECK(contains(damaged.all(), "cannot be restored"));
    CHECK(stack.pid_of("redis") == before);
    CHECK(stack.data() == saved);
  }
}

TEST_CASE(
    "a drill restores beside the live stack, proves it, and leaves a receipt and nothing else") {
  skip_unless_complete();
  LoadedDemo stack;
  stack.must({"backup", "create"});
  stack.use_on();
  const std::string used = stack.data();
  const std::string pid = stack.pid_of("postgres");
  const Ended drilled = stack({"backup", "drill"});
  INFO(drilled.all());
  REQUIRE(drilled.exit_code == 0);
  CHECK(stack.data() == used);
  CHECK(stack.pid_of("postgres") == pid);
  const fs::path state = stack.box().state_dir("langfuse-demo");
  CHECK_FALSE(fs::exists(state / "scratch"));
  const auto receipt =
      boost::json::parse(fusebox::test::slurp(state / "plugins/backup/drills.jsonl"));
  CHECK(receipt.at("generation") == boost::json::value(stack.newest()));
  CHECK(receipt.at("recovery_ms").to_number<std::int64_t>() > 0);
  CHECK(receipt.at("sources").as_array().size() == 4);
  const Ended health = stack({"health"});
  INFO(health.all());
  CHECK(contains(health.all(), "last drill 0 minutes ago"));

  // One that cannot be restored is not proven, and the scratch stack goes all the same.
  const fs::path file = stack.backups() / stack.newest() / "redis.rdb.zst";
  fs::resize_file(file, fs::file_size(file) - 1);
  const Ended failed = stack({"backup", "drill", stack.newest()});
  INFO(failed.all());
  CHECK(failed.exit_code == 1);
  CHECK_FALSE(fs::exists(state / "scratch"));
  CHECK(stack.data() == used);
}
