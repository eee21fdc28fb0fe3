// SPDX-License-Identifier: Apache-2.0
// backup-local with the real program age: what is on disk can be read by the key's owner alone.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "store_rig.hpp"
#include "support/skip.hpp"
#include "util/subprocess.hpp"

using fusebox::test::root_of;
using fusebox::test::slurp;
using fusebox::test::Store;
using fusebox::test::TempDir;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

void skip_without_age() {
  if (fusebox::util::find_program("age") && fusebox::util::find_program("age-keygen")) return;
  fusebox::test::skip_program("age is not installed; cmake/setup.sh test installs it");
}

// A key pair, made for this test.
struct Key {
  std::string identity;
  std::string recipient;
};

Key make_key(const fs::path& folder) {
  const auto file = folder / fmt::format("key-{}", fs::exists(folder / "key-1") ? 2 : 1);
  REQUIRE(std::system(fmt::format("age-keygen -o {0} 2>/dev/null && age-keygen -y {0} >{0}.pub",
                                  file.string())
                          .c_str()) == 0);
  const auto text = slurp(file);
  const auto at = text.find("\nAGE-") + 1;
  Key key{text.substr(at, text.find('\n', at) - at), slurp(file.string() + ".pub")};
  key.recipient.pop_back();
  return key;
}

json::object encrypting(const Key& key) {
  return {{"encrypt_to", json::array{key.recipient}}, {"identity", {{"secret", "BACKUP_KEY"}}}};
}

int open_descriptors() {
  int count = 0;
  for (const auto& item : fs::directory_iterator("/proc/self/fd"))
    count += item.path().empty() ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("an encrypted file is opened by its key, by age alone, and by nobody else") {
  skip_without_age();
  const TempDir temp;
  const Key key = make_key(temp.path());
  const Key other = make_key(temp.path());
  // Bytes that do not compress are in the clear in a store that does not encrypt.
  const std::string data = fusebox::test::noise(300'000);
  const std::string canary = data.substr(1000, 64);
  const fs::path clear = temp.path() / "clear";
  Store(clear).make(data);
  CHECK(fusebox::test::files_with(clear, canary).size() == 1);
  const fs::path root = temp.path() / "store";

  Store store(root, encrypting(key));
  store.host.secrets["BACKUP_KEY"] = key.identity;
  const int before = open_descriptors();
  const std::string name = store.make(data);
  const fs::path folder = root_of(root) / name;
  CHECK(fs::exists(folder / "data.bin.zst.age"));
  CHECK(slurp(folder / "notes.txt") == "plain text");  // for people, as it is
  const auto file = store.list().at(0).at("manifest").at("files").at(0).as_object();
  CHECK(file.at("bytes") == json::value(data.size()));

  // age and zstd alone, with the key in a file.
  const auto by_hand = temp.path() / "by-hand";
  CHECK(std::system(fmt::format("age -d -i {} {} | zstd -dc >{}", (temp.path() / "key-1").string(),
                                (folder / "data.bin.zst.age").string(), by_hand.string())
                        .c_str()) == 0);
  CHECK(slurp(by_hand) == data);

  std::string got;
  CHECK(store.get(name, "data.bin.zst.age", got).rc == FBX_OK);
  CHECK(got == data);
  CHECK(store.problems(name).empty());
  CHECK(open_descriptors() == before);

  // Neither what it holds nor the key is anywhere in the store.
  CHECK(fusebox::test::files_with(root, canary).empty());
  CHECK(fusebox::test::files_with(root, key.identity).empty());

  SUBCASE("a wrong identity, and one that is none") {
    store.host.secrets["BACKUP_KEY"] = other.identity;
    auto answer = store.get(name, "data.bin.zst.age", got);
    CHECK(answer.rc == FBX_DENIED);
    CHECK(answer.what.find("not one of those") != std::string::npos);
    CHECK(answer.hint.find("encrypt_to") != std::string::npos);
    store.host.secrets["BACKUP_KEY"] = "no identity";
    answer = store.get(name, "data.bin.zst.age", got);
    CHECK(answer.rc == FBX_DENIED);
    CHECK(answer.what.find("no identity of age") != std::string::npos);
  }
  SUBCASE("a damaged file is damaged, whatever the key") {
    for (const auto& identity : {key.identity, other.identity}) {
      store.host.secrets["BACKUP_KEY"] = identity;
      for (const double place : {0.01, 0.5, 0.999}) {
        const auto path = folder / "data.bin.zst.age";
        const auto whole = slurp(path);
        auto flipped = whole;
        auto& byte = flipped[static_cast<std::size_t>(static_cast<double>(whole.size()) * place)];
        byte = static_cast<char>(byte ^ 1);
        std::ofstream(path, std::ios::binary) << flipped;
        CHECK(store.get(name, "data.bin.zst.age", got).rc == FBX_FAILED);
        CHECK(store.problems(name).find("SHA-256") != std::string::npos);
        std::ofstream(path, std::ios::binary) << whole;
      }
    }
  }
  SUBCASE("without an identity every hash is still proven, and a backup can be made") {
    Store blind(root, {{"encrypt_to", json::array{key.recipient}}});
    CHECK(blind.problems(name).empty());
    const auto answer = blind.get(name, "data.bin.zst.age", got);
    CHECK(answer.rc == FBX_DENIED);
    CHECK(answer.what.find("no identity is set") != std::string::npos);
    CHECK_FALSE(blind.make("more").empty());
  }
  SUBCASE("a reader that goes away ends the call") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    CHECK(store.get_to(name, "data.bin.zst.age", ends[1]).rc == FBX_IO);
    ::close(ends[1]);
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("a recipient that is none fails the backup with what age says") {
  skip_without_age();
  const TempDir temp;
  Store store(temp.path() / "store", {{"encrypt_to", json::array{"age1nonsense"}}});
  const auto name = store.begin();
  const auto answer = store.put(name, "data.bin", std::string(1U << 20U, 'x'));
  CHECK(answer.rc == FBX_CONFIG);
  CHECK(answer.what.find("age1nonsense") != std::string::npos);
  CHECK_FALSE(
      fs::exists(root_of(temp.path() / "store") / (".incoming-" + name) / "data.bin.zst.age"));
}

TEST_CASE("a cancelled backup leaves neither age nor a file behind") {
  skip_without_age();
  const TempDir temp;
  const Key key = make_key(temp.path());
  Store store(temp.path() / "store", encrypting(key));
  const auto name = store.begin();
  store.host.cancelled = true;
  CHECK(store.put(name, "data.bin", "some bytes").rc == FBX_CANCELLED);
  CHECK_FALSE(
      fs::exists(root_of(temp.path() / "store") / (".incoming-" + name) / "data.bin.zst.age"));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child is left
}

TEST_CASE("without age a backup that must be encrypted fails, and says what to install") {
  const TempDir temp;
  Store store(temp.path() / "store", {{"encrypt_to", json::array{"age1nonsense"}}});
  const auto name = store.begin();
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", temp.path().c_str(), 1);
  const auto answer = store.put(name, "data.bin", "some bytes");
  ::setenv("PATH", path.c_str(), 1);
  CHECK(answer.rc == FBX_NOT_FOUND);
  CHECK(answer.hint.find("install age") != std::string::npos);
}

TEST_CASE("what another store encrypted or compressed is kept, and read, as it is") {
  skip_without_age();
  const TempDir temp;
  const Key key = make_key(temp.path());
  Store first(temp.path() / "one", encrypting(key));
  Store plain(temp.path() / "two", {{"identity", {{"secret", "BACKUP_KEY"}}}});
  plain.host.secrets["BACKUP_KEY"] = key.identity;
  for (Store* from : {&first, &plain}) {
    const auto name = from->make("the same bytes");
    const auto told = from->list().at(0).at("manifest").at("files").at(0).as_object();
    const std::string file(told.at("file").as_string());
    const auto bytes = slurp(root_of(temp.path() / (from == &first ? "one" : "two")) / name / file);
    const auto copy = plain.begin();
    auto stored = Store::parsed(plain.put(copy, file, bytes, false));
    CHECK(stored.at("file") == told.at("file"));
    CHECK(stored.at("sha256") == told.at("sha256"));
    stored["bytes"] = told.at("bytes");
    plain.must(&fbx_store_v1::commit,
               {{"generation", copy}, {"manifest", {{"files", json::array{stored}}}}});
    std::string got;
    CHECK(plain.get(copy, file, got).rc == FBX_OK);
    CHECK(got == "the same bytes");
  }
}
