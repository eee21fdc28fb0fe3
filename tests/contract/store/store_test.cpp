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

#include "support/configured_plugin.hpp"
#include "support/fake_host.hpp"
#include "support/temp_dir.hpp"

using fusebox::test::Answer;
using fusebox::test::ConfiguredPlugin;
using fusebox::test::FakeHost;
using fusebox::test::TempDir;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Bytes that do not compress, the same ones for the same seed.
std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

using Slot = fbx_rc (*fbx_store_v1::*)(fbx_instance*, fbx_op*, fbx_str, fbx_sink);
using FdSlot = fbx_rc (*fbx_store_v1::*)(fbx_instance*, fbx_op*, fbx_str, std::int32_t, fbx_sink);

class Store {
 public:
  explicit Store(const fs::path& folder, json::object more = {}) {
    json::object settings{{"folder", folder.string()}, {"min_free", 0}};
    for (const auto& [key, value] : more) settings[key] = value;
    plugin_ = std::make_unique<ConfiguredPlugin>(host, STORE_LIBRARY, settings);
  }

  Answer ask(Slot slot, const json::object& request = {}) {
    return call([&](const fbx_store_v1& table, fbx_instance* self, fbx_op* op, fbx_sink out) {
      return (table.*slot)(self, op, fbx::to_str(json::serialize(request)), out);
    });
  }
  // What `slot` says, which must go well.
  json::object must(Slot slot, const json::object& request = {}) {
    return parsed(ask(slot, request));
  }
  Answer put(const std::string& generation, const std::string& file, const std::string& bytes,
             bool compress = true) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread feeder([&] {
      ::sigset_t pipe_signal;
      ::sigemptyset(&pipe_signal);
      ::sigaddset(&pipe_signal, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
      std::string_view rest = bytes;
      while (!rest.empty()) {
        const ssize_t put = ::write(ends[1], rest.data(), rest.size());
        if (put <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(put));
      }
      ::close(ends[1]);
    });
    const std::string request = json::serialize(
        json::object{{"generation", generation}, {"file", file}, {"compress", compress}});
    Answer answer = with_fd(&fbx_store_v1::put, request, ends[0]);
    ::close(ends[0]);
    feeder.join();
    return answer;
  }
  Answer get(const std::string& generation, const std::string& file, std::string& into,
             const json::object& more = {}) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::thread taker([&] {
      char buffer[65536];
      for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        into.append(buffer, static_cast<std::size_t>(got));
    });
    json::object request{{"generation", generation}, {"file", file}};
    for (const auto& [key, value] : more) request[key] = value;
    Answer answer = with_fd(&fbx_store_v1::get, json::serialize(request), ends[1]);
    ::close(ends[1]);
    taker.join();
    ::close(ends[0]);
    return answer;
  }

  std::string begin(json::object request = {}) {
    return std::string(must(&fbx_store_v1::begin, request).at("generation").as_string());
  }
  // A whole generation of two files.
  std::string make(const std::string& first = "hello", const std::string& pin = "") {
    const std::string name = begin();
    json::array files;
    files.push_back(parsed(put(name, "data.bin", first)));
    files.push_back(parsed(put(name, "notes.txt", "plain text", false)));
    json::object request{{"generation", name}, {"manifest", {{"files", files}}}};
    if (!pin.empty()) request["pin"] = pin;
    must(&fbx_store_v1::commit, request);
    return name;
  }
  json::array list() { return must(&fbx_store_v1::list).at("generations").as_array(); }
  // The problem of each file that verify() finds, "" for none.
  std::string problems(const std::string& name) {
    std::string text;
    const auto answer = must(&fbx_store_v1::verify, {{"generation", name}});
    for (const auto& file : answer.at("files").as_array())
      if (!file.at("ok").as_bool())
        text += fmt::format("{}: {}\n", std::string_view(file.at("file").as_string()),
                            std::string_view(file.at("problem").as_string()));
    return text;
  }
  static json::object parsed(const Answer& answer) {
    INFO(answer.what);
    REQUIRE(answer.rc == FBX_OK);
    return json::parse(answer.text).as_object();
  }

  FakeHost host;

 private:
  template <class Body>
  Answer call(Body body) {
    auto& loaded = plugin_->loaded();
    const auto& table = loaded.table<fbx_store_v1>(FBX_IFACE_STORE);
    return loaded.call(
        [&](fbx_op* op, fbx_sink out) { return body(table, loaded.instance(), op, out); });
  }
  Answer with_fd(FdSlot slot, const std::string& request, int fd) {
    return call([&](const fbx_store_v1& table, fbx_instance* self, fbx_op* op, fbx_sink out) {
      return (table.*slot)(self, op, fbx::to_str(request), fd, out);
    });
  }
  std::unique_ptr<ConfiguredPlugin> plugin_;
};

// The stack's folder in a store's.
fs::path root_of(const TempDir& dir) {
  for (const auto& item : fs::directory_iterator(dir.path()))
    if (item.is_directory()) return item.path();
  return {};
}

}  // namespace

TEST_CASE("what is put is what is got, and standard tools read it") {
  TempDir dir;
  Store store(dir.path());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5'000'000}}) {
    const std::string bytes = noise(size) + std::string(size, 'z');
    const std::string name = store.make(bytes);
    std::string got;
    CHECK(store.get(name, "data.bin.zst", got).rc == FBX_OK);
    CHECK(got == bytes);
    const fs::path folder = root_of(dir) / name;
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
  const fs::path file = root_of(dir) / name / "data.bin.zst";
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
  const fs::path folder = root_of(dir) / name;
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
  const fs::path file = root_of(dir) / name / "data.bin.zst";
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
  const fs::path root = root_of(dir);
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
