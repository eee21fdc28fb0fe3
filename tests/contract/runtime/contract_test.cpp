// SPDX-License-Identifier: Apache-2.0
// What fusebox.runtime/1 promises, asked of one runtime.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "contract_rig.hpp"

using namespace contract;

namespace {

class File {
 public:
  explicit File(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const {
    ::lseek(fd_, 0, SEEK_SET);
    return fd_;
  }

 private:
  int fd_;
};

template <class Body>
std::string failure(Body&& body) {
  try {
    body();
    return "none";
  } catch (const fusebox::Error& e) {
    return std::string(fusebox::to_string(e.code()));
  }
}

// The file of a stopped service's data, out of an export; "" when there is no volume, or nothing in
// it: an engine has to make one to stage into it.
std::string kept(Rig& rig) {
  const File stream(rig.dir / "kept.tar");
  json::object told;
  if (failure([&] { told = rig.volume(true, "a", stream.get()); }) != "none") return "";
  if (told.at("files").to_number<int>() == 0) return "";
  std::string bytes(fs::file_size(rig.dir / "kept.tar"), '\0');
  if (::pread(stream.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return "cannot read";
  for (const char* text : {"precious\n", "later\n"})
    if (bytes.find(text) != std::string::npos) return text;
  return "something else";
}

json::array all(const json::object& answer, const char* key) { return answer.at(key).as_array(); }

}  // namespace

TEST_CASE("what should run is listed before it does, and cannot be reached yet") {
  Rig rig;
  const auto services = rig.services();
  REQUIRE(services.size() == 2);
  CHECK(services.at("a").at("state") == "missing");
  CHECK(services.at("a").at("health") == "none");
  CHECK(services.at("b").at("depends_on") == json::array{"a"});
  CHECK(failure([&] {
          rig.host().endpoint(Rig::instance, {{"service", "a"}, {"port", 8080}}, rig.context());
        }) == "unavailable");
  CHECK(all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes").empty());
  CHECK(all(rig.host().stats(Rig::instance, {}, rig.context()), "services").empty());
  CHECK(rig.logs({}).empty());
}

TEST_CASE("what runs is told with its state, health, ports and start") {
  Rig rig;
  CHECK(rig.run("up").at("changed") == true);
  auto services = rig.services();
  for (const char* name : {"a", "b"}) {
    CAPTURE(name);
    const json::object& service = services.at(name);
    CHECK(service.at("state") == "running");
    CHECK(service.at("health") == "healthy");
    CHECK(service.at("exit_code").is_null());
    CHECK(service.at("restarts") == 0);
    CHECK(!service.at("id").as_string().empty());
    CHECK(service.at("started_at").as_string().size() >= 20);
  }
  const json::value& port = services.at("a").at("ports").at(0);
  CHECK(port.at("host") == "127.0.0.1");
  CHECK(port.at("port") == rig.port);
  CHECK(port.at("target") == 8080);
  for (const int asked : {0, 8080, rig.port}) {
    CAPTURE(asked);
    const json::object place =
        rig.host().endpoint(Rig::instance, {{"service", "a"}, {"port", asked}}, rig.context());
    CHECK(place.at("host") == "127.0.0.1");
    CHECK(place.at("port") == rig.port);
  }
  const auto id = services.at("a").at("id");
  CHECK(rig.run("up").at("changed") == false);
  CHECK(rig.services().at("a").at("id") == id);
}

TEST_CASE("a name that nobody knows is not found, whatever is asked of it") {
  Rig rig;
  const json::object nobody{{"services", {"nobody"}}};
  CHECK(failure([&] { rig.host().services(Rig::instance, nobody, rig.context()); }) == "not_found");
  CHECK(failure([&] { rig.host().stats(Rig::instance, nobody, rig.context()); }) == "not_found");
  CHECK(failure([&] { rig.logs(nobody); }) == "not_found");
  CHECK(failure([&] {
          rig.host().endpoint(Rig::instance, {{"service", "nobody"}}, rig.context());
        }) == "not_found");
  CHECK(failure([&] { rig.exec({{"service", "nobody"}, {"command", {"true"}}}); }) == "not_found");
  const File file(rig.dir / "stream");
  CHECK(failure([&] { rig.volume(true, "nobody", file.get()); }) == "not_found");
  CHECK(failure([&] { rig.volume(false, "nobody", file.get()); }) == "not_found");
}

TEST_CASE("a program runs in the service's environment, with its input, output and exit code") {
  Rig rig;
  rig.run("up");
  CHECK(rig.exec({{"service", "a"}, {"command", {"sh", "-c", "cat; cat $DATA/file; echo $TOKEN"}}},
                 "input\n") == "input\nprecious\ncanary-5d1\n0");
  CHECK(rig.exec({{"service", "a"},
                  {"command", {"sh", "-c", "echo $EXTRA $HIDDEN; exit 7"}},
                  {"environment", json::object{{"EXTRA", "${x}"},
                                               {"HIDDEN", json::object{{"$secret", "TOKEN"}}}}}}) ==
        "${x} canary-5d1\n7");
  CHECK(failure([&] {
          rig.exec({{"service", "a"}, {"command", {"no-such-program"}}});
        }) == "not_found");
  CHECK(failure([&] { rig.exec({{"service", "a"}, {"command", json::array{}}}); }) == "argument");
}

TEST_CASE("log lines come with their service, time and stream, as many as were asked for") {
  Rig rig;
  rig.run("up");
  const auto lines = rig.logs({{"tail", -1}});
  REQUIRE(lines.size() == 4);
  int errors = 0;
  for (const json::object& line : lines) {
    CHECK(line.at("time").as_string().size() == 24);
    if (line.at("stream") != "stderr") continue;
    ++errors;
    CHECK(line.at("service") == "a");
    CHECK(line.at("line") == "trouble");
  }
  CHECK(errors == 1);
  // Whatever a program writes, its line arrives.
  CHECK(std::any_of(lines.begin(), lines.end(), [](const json::object& line) {
    return line.at("line") == "bad \xef\xbf\xbd byte";
  }));
  CHECK(lines.back().at("line") == "hello from b");
  CHECK(rig.logs({{"services", {"b"}}}).size() == 1);
  CHECK(rig.logs({{"tail", 1}}).size() == 2);
  CHECK(rig.logs({{"since", "1h"}}).size() == 4);
  CHECK(rig.logs({{"since", "2100-01-01T00:00:00Z"}}).empty());
  CHECK(failure([&] { rig.logs({{"since", "yesterday"}}); }) == "argument");
}

TEST_CASE("one sample tells what each running service uses") {
  Rig rig;
  rig.run("up");
  const auto services = all(rig.host().stats(Rig::instance, {}, rig.context()), "services");
  REQUIRE(services.size() == 2);
  for (const json::value& service : services) {
    CHECK(service.at("processes").to_number<std::int64_t>() >= 1);
    CHECK(service.at("memory_bytes").to_number<std::int64_t>() > 0);
    CHECK(service.at("cpu_percent").to_number<double>() >= 0);
  }
}

TEST_CASE("data goes out of a stopped service, into an empty volume only, and is there again") {
  Rig rig;
  const File stream(rig.dir / "a.tar");
  rig.run("up");
  CHECK(failure([&] { rig.volume(true, "a", stream.get()); }) == "conflict");
  rig.run("stop");
  CHECK(rig.services().at("a").at("state") == "exited");
  CHECK(rig.services().at("a").at("exit_code") == 0);

  const auto volumes = all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes");
  REQUIRE(volumes.size() == 2);
  CHECK(volumes.at(0).at("name") == "a");
  CHECK(volumes.at(0).at("service") == "a");
  CHECK(volumes.at(0).at("bytes").to_number<std::int64_t>() >= 9);

  const json::object out = rig.volume(true, "a", stream.get());
  CHECK(out.at("files") == 2);
  CHECK(out.at("bytes") == 9);
  CHECK(failure([&] { rig.volume(false, "a", stream.get()); }) == "conflict");
  rig.run("down", {{"volumes", true}});
  CHECK(all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes").empty());
  CHECK(failure([&] { rig.volume(true, "a", stream.get()); }) == "not_found");

  CHECK(rig.volume(false, "a", stream.get()) == out);
  CHECK(rig.services().at("a").at("state") != "running");
  rig.run("up");
  CHECK(rig.exec({{"service", "a"}, {"command", {"sh", "-c", "cat $DATA/file; ls $DATA"}}}) ==
        "precious\nfile\nready\n0");
}

TEST_CASE("a stream that is none fails, and leaves no volume") {
  Rig rig;
  const File stream(rig.dir / "bad");
  REQUIRE(::write(stream.get(), std::string(2000, 'x').data(), 2000) == 2000);
  CHECK(failure([&] { rig.volume(false, "a", stream.get()); }) == "io");
  CHECK(all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes").empty());
}

TEST_CASE("content is staged beside what is live, turned in, turned back, and settled") {
  Rig rig;
  const File stream(rig.dir / "a.tar");
  rig.run("up");
  rig.run("stop");
  const json::object out = rig.volume(true, "a", stream.get());
  rig.run("start");
  const auto live = [&] {
    return rig.exec({{"service", "a"}, {"command", {"sh", "-c", "cat $DATA/file"}}});
  };
  rig.exec({{"service", "a"}, {"command", {"sh", "-c", "echo later > $DATA/file"}}});
  const auto before = all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes");

  // The service runs: staging is no matter to it, turning is refused.
  CHECK(rig.stage("a", "2026t1", stream.get()) == out);
  CHECK(rig.stage("a", "2026t1", stream.get()) == out);
  CHECK(live() == "later\n0");
  CHECK(all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes") == before);
  CHECK(failure([&] { rig.turn("a", "2026t1", "new"); }) == "conflict");
  CHECK(failure([&] { rig.turn("a", "2026t1", "settled"); }) == "conflict");
  rig.turn("a", "2026t1", "old");
  CHECK(failure([&] { rig.turn("a", "2026t1", "new"); }) == "not_found");
  CHECK(rig.stage("a", "2026t1", stream.get()) == out);

  rig.run("stop");
  CHECK(kept(rig) == "later\n");
  for (int again = 0; again < 2; ++again) {
    rig.turn("a", "2026t1", "new");
    CHECK(kept(rig) == "precious\n");
  }
  CHECK(failure([&] { rig.stage("a", "2026t1", stream.get()); }) == "conflict");
  for (int again = 0; again < 2; ++again) {
    rig.turn("a", "2026t1", "old");
    CHECK(kept(rig) == "later\n");
  }
  CHECK(failure([&] { rig.turn("a", "2026t1", "new"); }) == "not_found");

  rig.stage("a", "2026t2", stream.get());
  rig.turn("a", "2026t2", "new");
  rig.run("start");
  CHECK(live() == "precious\n0");
  rig.turn("a", "2026t2", "new");
  CHECK(failure([&] { rig.turn("a", "2026t2", "old"); }) == "conflict");
  for (int again = 0; again < 2; ++again) rig.turn("a", "2026t2", "settled");
  CHECK(live() == "precious\n0");
  CHECK(failure([&] { rig.turn("a", "2026t2", "new"); }) == "not_found");
  rig.turn("a", "2026t2", "old");
  CHECK(live() == "precious\n0");

  CHECK(failure([&] { rig.stage("nobody", "t1", stream.get()); }) == "not_found");
  CHECK(failure([&] { rig.turn("nobody", "t1", "old"); }) == "not_found");
  CHECK(failure([&] { rig.stage("a", "../t1", stream.get()); }) == "argument");
  CHECK(failure([&] { rig.turn("a", "T1", "old"); }) == "argument");
  CHECK(failure([&] { rig.turn("a", "t1", "newer"); }) == "argument");

  // Nothing of a tag outlives the data.
  rig.stage("a", "2026t3", stream.get());
  rig.run("down", {{"volumes", true}});
  CHECK(failure([&] { rig.turn("a", "2026t3", "new"); }) == "not_found");
  CHECK(all(rig.host().volumes(Rig::instance, {}, rig.context()), "volumes").empty());
}

TEST_CASE("content may be turned in where there was none, and back to none") {
  Rig rig;
  const File stream(rig.dir / "a.tar");
  rig.run("up");
  rig.run("stop");
  rig.volume(true, "a", stream.get());
  rig.run("down", {{"volumes", true}});

  rig.stage("a", "t1", stream.get());
  CHECK(kept(rig) == "");
  rig.turn("a", "t1", "new");
  CHECK(kept(rig) == "precious\n");
  rig.turn("a", "t1", "old");
  CHECK(kept(rig) == "");
  rig.stage("a", "t1", stream.get());
  rig.turn("a", "t1", "new");
  rig.turn("a", "t1", "settled");
  CHECK(kept(rig) == "precious\n");
}

TEST_CASE("a damaged stream is not staged, and nothing of its tag is left") {
  Rig rig;
  const File stream(rig.dir / "a.tar");
  rig.run("up");
  rig.run("stop");
  rig.volume(true, "a", stream.get());
  rig.stage("a", "t1", stream.get());
  const auto size = static_cast<std::int64_t>(fs::file_size(rig.dir / "a.tar"));
  for (const std::int64_t cut : {size - 1024, size / 2}) {
    CAPTURE(cut);
    REQUIRE(::ftruncate(stream.get(), cut) == 0);
    CHECK(failure([&] { rig.stage("a", "t1", stream.get()); }) != "none");
    CHECK(failure([&] { rig.turn("a", "t1", "new"); }) == "not_found");
  }
  CHECK(kept(rig) == "precious\n");
}

TEST_CASE("several ops at once get along") {
  Rig rig;
  rig.run("up");
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      try {
        if (i % 2 == 0)
          good += rig.services().size() == 2 ? 1 : 0;
        else
          good += rig.host().endpoint(Rig::instance, {{"service", "a"}, {"port", 8080}},
                                      fusebox::plugin::CallContext{})
                              .at("port") == rig.port
                      ? 1
                      : 0;
      } catch (const std::exception&) {
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 6);
}
