// SPDX-License-Identifier: Apache-2.0
// What every store must do, on backup-local: a generation is there whole or not at all.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

#include "store_rig.hpp"

using fusebox::test::Answer;
using fusebox::test::noise;
using fusebox::test::root_of;
using fusebox::test::slurp;
using fusebox::test::Store;
using fusebox::test::TempDir;
namespace fs = std::filesystem;
namespace json = boost::json;

TEST_CASE("what is put is what is got, and standard tools read it") {
  TempDir dir;
  Store store(dir.path());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5'000'000}}) {
    const std::string bytes = noise(size) + std::string(size, 'z');
    const std::string name = store.make(bytes);
    std::string got;
    CHECK(store.get(name, "data.bin.zst", got).rc == FBX_OK);
    CHECK(got == bytes);
    const fs::path folder = root_of(dir.path()) / name;
    const auto run = [&](const std::string& command) {
      return std::system(
          fmt::format("cd {} && {} >/dev/null 2>&1", folder.string(), command).c_str());
    };
    CHECK(run("sha256sum -c SHA256SUMS") == 0);
    CHECK(run("zstd -tq data.bin.zst") == 0);
    CHECK(slurp(folder / "notes.txt") == "plain text");
    CHECK(store.problems(name) == "");
  }
  CHECK(store.list().size() == 3);
}

TEST_CASE(
    "a file can be had as it is stored, from any offset, and its hash is compared all the same") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.make(noise(300'000));
  const fs::path file = root_of(dir.path()) / name / "data.bin.zst";
  const std::string stored = slurp(file);
  for (const std::size_t from :
       {std::size_t{0}, std::size_t{1}, std::size_t{262'144}, stored.size() - 1, stored.size()}) {
    CAPTURE(from);
    std::string got;
    const auto answer =
        Store::parsed(store.get(name, "data.bin.zst", got, {{"stored", true}, {"from", from}}));
    CHECK(got == stored.substr(from));
    CHECK(answer.at("bytes") == json::value(stored.size() - from));
  }
  std::string changed = stored;
  changed[0] = static_cast<char>(changed[0] ^ 1);
  std::ofstream(file, std::ios::binary) << changed;
  std::string got;
  CHECK(store.get(name, "data.bin.zst", got, {{"stored", true}, {"from", 1000}}).rc == FBX_FAILED);
}

TEST_CASE("D31: verify re-reads every byte, so a flipped bit is found in whichever file it is") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.make(noise(100'000));
  const fs::path folder = root_of(dir.path()) / name;
  for (const char* file : {"data.bin.zst", "notes.txt", "manifest.json", "SHA256SUMS"}) {
    const std::string whole = slurp(folder / file);
    for (const std::size_t at : {std::size_t{0}, whole.size() / 2, whole.size() - 2}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      std::ofstream(folder / file, std::ios::binary) << changed;
      CAPTURE(file);
      CAPTURE(at);
      const auto problem = store.list().at(0).at("problem");
      CHECK((store.problems(name) != "" || problem.is_string()));
      std::string got;
      if (std::string_view(file) == "data.bin.zst")
        CHECK(store.get(name, file, got).rc == FBX_FAILED);
    }
    std::ofstream(folder / file, std::ios::binary) << whole;
    CHECK(store.problems(name) == "");
  }
}

TEST_CASE("a truncated or missing file is a problem that list() tells, and latest passes it by") {
  TempDir dir;
  Store store(dir.path());
  const std::string older = store.make("older");
  const std::string name = store.make(noise(50'000));
  const fs::path file = root_of(dir.path()) / name / "data.bin.zst";
  fs::resize_file(file, 1000);
  CHECK(store.list().at(0).at("problem").is_string());
  std::string got;
  CHECK(store.get(name, "data.bin.zst", got).rc == FBX_FAILED);
  CHECK(store.must(&fbx_store_v1::verify, {{"generation", "latest"}}).at("generation") ==
        json::value(older));
  fs::remove(file);
  CHECK(store.list().at(0).at("problem").is_string());
  CHECK(store.problems(name) != "");
}

TEST_CASE("a generation without its manifest does not exist") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.begin();
  CHECK(store.put(name, "data.bin", "half").rc == FBX_OK);
  CHECK(store.list().empty());
  CHECK(store.ask(&fbx_store_v1::verify, {{"generation", name}}).rc == FBX_NOT_FOUND);
  store.must(&fbx_store_v1::abort, {{"generation", name}});
  CHECK(store.list().empty());
  CHECK(store.must(&fbx_store_v1::list).at("interrupted").as_array().empty());
}

TEST_CASE("a manifest that tells of other files than those that were stored is refused") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.begin();
  json::object file = Store::parsed(store.put(name, "data.bin", "content"));
  file["sha256"] = std::string(64, '0');
  const json::object wrong{{"generation", name}, {"manifest", {{"files", json::array{file}}}}};
  CHECK(store.ask(&fbx_store_v1::commit, wrong).rc == FBX_CONFLICT);
  const json::object none{{"generation", name}, {"manifest", {{"files", json::array{}}}}};
  CHECK(store.ask(&fbx_store_v1::commit, none).rc == FBX_CONFLICT);
  CHECK(store.list().empty());
}

TEST_CASE("D29: a contender gets a clear no, and takes nothing from the holder of the lock") {
  TempDir dir;
  Store holder(dir.path());
  Store contender(dir.path());
  const std::string name = holder.begin();
  for (int i = 0; i < 3; ++i) {
    const Answer refused = contender.ask(&fbx_store_v1::begin);
    CHECK(refused.rc == FBX_CONFLICT);
    CHECK(refused.hint != "");
  }
  CHECK(holder.put(name, "data.bin", "still mine").rc == FBX_OK);
  holder.must(&fbx_store_v1::abort, {{"generation", name}});
  const std::string next = contender.begin();
  contender.must(&fbx_store_v1::abort, {{"generation", next}});
}

TEST_CASE("D25: what is pinned is not removed until it is let go") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.make("precious", "before the update");
  CHECK(store.list().at(0).at("pin") == "before the update");
  CHECK(store.ask(&fbx_store_v1::remove, {{"generation", name}}).rc == FBX_CONFLICT);
  CHECK(store.list().size() == 1);
  store.must(&fbx_store_v1::pin, {{"generation", name}, {"pin", nullptr}});
  store.must(&fbx_store_v1::remove, {{"generation", name}});
  CHECK(store.list().empty());
}

TEST_CASE("the newest is the one written last, though the clock went back") {
  TempDir dir;
  Store store(dir.path());
  const std::string first = store.make("first");
  const fs::path root = root_of(dir.path());
  // As if it had been made years ahead: its name, and its manifest with the sums that vouch for it.
  const std::string future = "20991231T000000Z-0000";
  fs::rename(root / first, root / future);
  const std::string script = fmt::format(
      "cd {0}/{1} && sed -i s/{2}/{1}/ manifest.json && sed -i /manifest/d SHA256SUMS && "
      "sha256sum manifest.json >> SHA256SUMS",
      root.string(), future, first);
  REQUIRE(std::system(script.c_str()) == 0);
  const std::string second = store.make("second");
  const auto list = store.list();
  REQUIRE(list.size() == 2);
  CHECK(list.at(1).at("problem").is_null());
  CHECK(list.at(0).at("generation") == json::value(second));
  CHECK(store.must(&fbx_store_v1::verify, {{"generation", "latest"}}).at("generation") ==
        json::value(second));
}

TEST_CASE("what does not fit is refused before a byte is written") {
  TempDir dir;
  Store store(dir.path());
  const Answer refused = store.ask(&fbx_store_v1::begin, {{"bytes", std::int64_t{1} << 60}});
  CHECK(refused.rc == FBX_IO);
  CHECK(refused.what.find("needs about") != std::string::npos);
  CHECK(store.must(&fbx_store_v1::list).at("interrupted").as_array().empty());
}

TEST_CASE("names that would leave the generation's folder are refused") {
  TempDir dir;
  Store store(dir.path());
  const std::string name = store.begin();
  for (const char* file : {"../evil", "a/b", ".hidden", "", "manifest.json", "SHA256SUMS", "pin"})
    CHECK(store.put(name, file, "x", false).rc == FBX_ARGUMENT);
  CHECK(store.ask(&fbx_store_v1::verify, {{"generation", "../.."}}).rc == FBX_NOT_FOUND);
  store.must(&fbx_store_v1::abort, {{"generation", name}});
}

TEST_CASE("a writer that is killed at any moment leaves whole generations and nothing else") {
  TempDir dir;
  {
    Store store(dir.path());
    store.make("the first");
  }
  std::mt19937 random(7);
  const std::string bytes = noise(3'000'000);
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      Store store(dir.path());
      for (;;) store.make(bytes);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Store store(dir.path());
    for (const auto& one : store.list()) {
      const std::string name(one.at("generation").as_string());
      CHECK(one.at("problem").is_null());
      if (round % 10 == 9) CHECK(store.problems(name) == "");
    }
  }
  Store store(dir.path());
  store.make("the last");
  CHECK(store.must(&fbx_store_v1::list).at("interrupted").as_array().empty());
  std::string got;
  CHECK(store.get("latest", "data.bin.zst", got).rc == FBX_OK);
  CHECK(got == "the last");
}

TEST_CASE("a disk that fills up at any offset fails the backup and harms no generation") {
  TempDir dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    MESSAGE("not run: mounting a small file system needs root");
    return;
  }
  {
    Store store(dir.path());
    const std::string good = store.make(noise(500'000));
    for (unsigned seed = 2; seed < 12; ++seed) {
      const std::string name = store.begin();
      const Answer full = store.put(name, "data.bin", noise(3'000'000 + seed * 300'000, seed));
      const Answer more = store.put(name, "more.bin", noise(3'000'000, seed));
      CHECK((full.rc == FBX_IO || more.rc == FBX_IO));
      CHECK((full.hint + more.hint).find("room") != std::string::npos);
      store.must(&fbx_store_v1::abort, {{"generation", name}});
      CHECK(store.list().size() == 1);
      CHECK(store.problems(good) == "");
    }
    store.make("fits again");
  }
  ::umount(dir.path().c_str());
}
