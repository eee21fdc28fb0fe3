// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "engine_rig.hpp"

using namespace engine_test;

namespace {

constexpr const char* fill =
    "echo precious > /data/file; mkdir -m 750 /data/sub; ln -s ../file /data/sub/link; ln "
    "/data/file /data/same; chown 70:71 /data/file; chmod 640 /data/file; chown 999:999 /data; "
    "chmod 700 /data; head -c 3000000 /dev/zero > /data/large; echo x > '/data/\xc3\xa4 name'; "
    "sleep 60";
constexpr const char* describe =
    "cd /data && find . | while read -r f; do stat -c '%n %A %u:%g %h' \"$f\"; done | sort; cat "
    "file; wc -c < large";

class File {
 public:
  explicit File(const std::filesystem::path& path, int flags = O_RDWR | O_CREAT | O_TRUNC)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() { ::close(fd_); }
  int get() const { return fd_; }
  void rewind() const { ::lseek(fd_, 0, SEEK_SET); }

 private:
  int fd_;
};

Answer do_export(Rig& rig, const std::string& volume, int fd, bool live = false) {
  return rig.ask([&](auto& runtime, fbx::Op& op) {
    return runtime.volume_export(
        op, json::serialize(json::object{{"volume", volume}, {"live", live}}), fd);
  });
}

Answer do_import(Rig& rig, const std::string& volume, int fd) {
  return rig.ask([&](auto& runtime, fbx::Op& op) {
    return runtime.volume_import(op, json::serialize(json::object{{"volume", volume}}), fd);
  });
}

struct Made {
  std::string name;
  mode_t type;
  std::string content;
  std::string target;
};

void make_stream(int fd, const std::vector<Made>& entries) {
  ::archive* a = ::archive_write_new();
  ::archive_write_set_format_pax(a);
  ::archive_write_open_fd(a, fd);
  for (const Made& made : entries) {
    ::archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, made.name.c_str());
    ::archive_entry_set_filetype(entry, made.type);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(made.content.size()));
    if (made.type == AE_IFLNK) ::archive_entry_set_symlink(entry, made.target.c_str());
    ::archive_write_header(a, entry);
    ::archive_write_data(a, made.content.data(), made.content.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(a);
  ::archive_write_free(a);
  ::lseek(fd, 0, SEEK_SET);
}

std::vector<docker::Container> containers(Rig& rig) {
  return rig.engine().containers(docker::of_project(rig.project));
}

compose_runtime::Layout one_volume(const Rig& rig) {
  compose_runtime::Layout layout;
  layout.services.push_back({"db", Rig::image(), {}, {}, {{"data", "/data"}}, false});
  layout.volumes["data"] = rig.volume("data");
  return layout;
}

}  // namespace

TEST_CASE("a volume goes out as a stream and comes back the same, through a stopped container") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  const std::string id = rig.start("db", fill, rig.mounts("data", "/data"));
  REQUIRE(
      eventually([&] { return rig.shell("db", "ls /data").find("name") != std::string::npos; }));
  const std::string before = rig.shell("db", describe);
  CAPTURE(before);

  const File stream(rig.dir / "data.tar");
  const Answer running = do_export(rig, "data", stream.get());
  CHECK(running.rc == FBX_CONFLICT);
  CHECK(running.what == "service db runs");
  const std::size_t there = containers(rig).size();
  const Answer live = do_export(rig, "data", File(rig.dir / "live.tar").get(), true);
  CHECK(live.what == "");
  CHECK(containers(rig).size() == there);
  rig.engine().stop(id, std::chrono::seconds(0));
  const Answer out = do_export(rig, "data", stream.get());
  CHECK(out.what == "");
  CHECK(out.text == live.text);
  CHECK(json::parse(out.text).at("files") == 5);
  CHECK(json::parse(out.text).at("bytes").as_int64() >= 3000000);
  CHECK(containers(rig).size() == there);

  stream.rewind();
  const Answer conflict = do_import(rig, "data", stream.get());
  CHECK(conflict.rc == FBX_CONFLICT);
  CHECK(conflict.what == "volume data is not empty");

  rig.engine().remove_container(id);
  rig.engine().remove_volume(rig.volume("data"));
  stream.rewind();
  const Answer in = do_import(rig, "data", stream.get());
  CHECK(in.what == "");
  CHECK(in.text == out.text);
  CHECK(containers(rig).empty());
  rig.start("db", "sleep 60", rig.mounts("data", "/data"));
  CHECK(rig.shell("db", describe) == before);
}

TEST_CASE("an existing container takes an import into its empty volume, with the folder's owner") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  const File stream(rig.dir / "data.tar");
  make_stream(stream.get(), {{"file", AE_IFREG, "x", ""}});
  const std::string id = rig.create("db", "sleep 60", rig.mounts("data", "/data"));
  const Answer in = do_import(rig, "data", stream.get());
  CHECK(in.what == "");
  rig.engine().start(id);
  CHECK(rig.shell("db", "cat /data/file") == "x");
  stream.rewind();
  CHECK(do_import(rig, "data", stream.get()).what == "service db runs");
}

TEST_CASE("a stream that would leave the volume is refused, and the volume is empty again") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  const std::string id = rig.create("db", "sleep 60", rig.mounts("data", "/data"));
  const std::string large(2'000'000, 'y');
  const std::vector<Made> bad[] = {
      {{"ok", AE_IFREG, large, ""}, {"../outside", AE_IFREG, "x", ""}},
      {{"ok", AE_IFREG, large, ""}, {"/etc/outside", AE_IFREG, "x", ""}},
      {{".hidden", AE_IFREG, large, ""},
       {"link", AE_IFLNK, "", "/etc"},
       {"link/x", AE_IFREG, "x", ""}}};
  for (const auto& entries : bad) {
    const File stream(rig.dir / "bad.tar");
    make_stream(stream.get(), entries);
    CHECK(do_import(rig, "data", stream.get()).rc == FBX_DENIED);
  }
  const File truncated(rig.dir / "short.tar");
  make_stream(truncated.get(), {{"ok", AE_IFREG, large, ""}});
  REQUIRE(::ftruncate(truncated.get(), 1'000'000) == 0);
  CHECK(do_import(rig, "data", truncated.get()).rc == FBX_IO);
  CHECK(containers(rig).size() == 1);
  rig.engine().start(id);
  CHECK(rig.shell("db", "ls -A /data; test -e /etc/outside || echo none") == "none\n");
}

TEST_CASE("a failed import into a missing volume leaves no volume") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  const File stream(rig.dir / "bad");
  REQUIRE(::write(stream.get(), std::string(2000, 'x').data(), 2000) == 2000);
  stream.rewind();
  CHECK(do_import(rig, "data", stream.get()).rc == FBX_IO);
  CHECK(!rig.engine().volume(rig.volume("data")));
  CHECK(containers(rig).empty());
  CHECK(do_export(rig, "data", stream.get()).rc == FBX_NOT_FOUND);
  CHECK(do_export(rig, "other", stream.get()).rc == FBX_NOT_FOUND);
}

TEST_CASE("a container with a read-only or nested file system is passed by") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  json::object more = rig.mounts("data", "/data");
  more["HostConfig"].as_object()["ReadonlyRootfs"] = true;
  const std::string id = rig.create("db", "sleep 60", more);
  const File stream(rig.dir / "data.tar");
  make_stream(stream.get(), {{"file", AE_IFREG, "x", ""}});
  CHECK(do_import(rig, "data", stream.get()).what == "");
  CHECK(containers(rig).size() == 1);
  rig.engine().start(id);
  CHECK(rig.shell("db", "cat /data/file") == "x");
}

TEST_CASE("volumes are listed with their sizes, by their names in the Compose files") {
  require_engine();
  Rig rig;
  rig.layout = one_volume(rig);
  const auto list = [&] {
    return rig.ask([](auto& runtime, fbx::Op& op) { return runtime.volumes(op, "{}"); });
  };
  CHECK(list().text == R"({"volumes":[]})");
  rig.start("db", "head -c 100000 /dev/zero > /data/f; sleep 60", rig.mounts("data", "/data"));
  REQUIRE(eventually([&] { return rig.shell("db", "wc -c < /data/f") == "100000\n"; }));
  const json::value parsed = json::parse(list().text);
  REQUIRE(parsed.at("volumes").as_array().size() == 1);
  CHECK(parsed.at("volumes").at(0).at("name") == "data");
  CHECK(parsed.at("volumes").at(0).at("service") == "db");
  CHECK(parsed.at("volumes").at(0).at("bytes").as_int64() >= 100000);
}

TEST_CASE("one sample tells what a service uses") {
  require_engine();
  Rig rig;
  rig.start("busy", "while :; do :; done");
  rig.start("idle", "sleep 60");
  rig.create("made", "sleep 60");
  const Answer answer = rig.ask([](auto& runtime, fbx::Op& op) { return runtime.stats(op, "{}"); });
  CHECK(answer.what == "");
  const json::value parsed = json::parse(answer.text);
  REQUIRE(parsed.at("services").as_array().size() == 2);
  CHECK(parsed.at("services").at(0).at("name") == "busy");
  CHECK(parsed.at("services").at(0).at("cpu_percent").to_number<double>() > 5);
  CHECK(parsed.at("services").at(1).at("cpu_percent").to_number<double>() < 5);
}
