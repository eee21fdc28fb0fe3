// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.hpp"

using namespace runtime_test;

namespace {

runtime_process::Fd open_file(const fs::path& file, int flags) {
  return runtime_process::Fd(::open(file.c_str(), flags | O_CLOEXEC, 0600));
}

constexpr auto do_export = &fbx_runtime_v1::volume_export;
constexpr auto do_import = &fbx_runtime_v1::volume_import;

}  // namespace

TEST_CASE("a volume goes out as a stream and comes back the same") {
  Rig rig({{"a", shell("echo precious > \"$0/file\"; mkdir -m 750 \"$0/sub\"; ln -s ../file "
                       "\"$0/sub/link\"")}});
  rig.run("up");
  const auto stream = open_file(rig.dir / "a.tar", O_RDWR | O_CREAT);
  CHECK(rig.transfer(do_export, "a", stream.get()).what == "service a runs");
  CHECK(rig.transfer(do_export, "a", stream.get(), {{"live", true}}).what == "");
  ::ftruncate(stream.get(), 0);
  ::lseek(stream.get(), 0, SEEK_SET);
  rig.run("stop");
  const Answer out = rig.transfer(do_export, "a", stream.get());
  CHECK(out.what == "");
  CHECK(json::parse(out.text).at("files") == 3);

  ::lseek(stream.get(), 0, SEEK_SET);
  const Answer conflict = rig.transfer(do_import, "a", stream.get());
  CHECK(conflict.rc == FBX_CONFLICT);
  rig.run("down", {{"volumes", true}});
  ::lseek(stream.get(), 0, SEEK_SET);
  const Answer in = rig.transfer(do_import, "a", stream.get());
  CHECK(in.what == "");
  CHECK(in.text == out.text);
  CHECK(rig.data("a", "file") == "precious\n");
  CHECK(fs::read_symlink(rig.data_dir() / "a" / "sub" / "link") == "../file");
  struct ::stat status {};
  ::stat((rig.data_dir() / "a" / "sub").c_str(), &status);
  CHECK((status.st_mode & 07777U) == 0750);
  CHECK(rig.run("start").rc == FBX_OK);
}

TEST_CASE("volumes are listed with their sizes") {
  Rig rig({{"a", shell("head -c 12345 /dev/zero > \"$0/file\"; ln \"$0/file\" \"$0/same\"")},
           {"b", shell()}});
  CHECK(rig.ask(&fbx_runtime_v1::volumes).text == R"({"volumes":[]})");
  rig.run("up", {{"services", {"a"}}});
  const json::value parsed = json::parse(rig.ask(&fbx_runtime_v1::volumes).text);
  REQUIRE(parsed.at("volumes").as_array().size() == 1);
  CHECK(parsed.at("volumes").at(0).at("bytes") == 12345);
  CHECK(parsed.at("volumes").at(0).at("files") == 3);
}

TEST_CASE("a broken stream fails the import and leaves no volume") {
  Rig rig({{"a", shell()}});
  runtime_process::write_file_atomic(rig.dir / "bad", std::string(2000, 'x'));
  const auto stream = open_file(rig.dir / "bad", O_RDONLY);
  CHECK(rig.transfer(do_import, "a", stream.get()).rc == FBX_IO);
  CHECK(!fs::exists(rig.data_dir() / "a"));
}
