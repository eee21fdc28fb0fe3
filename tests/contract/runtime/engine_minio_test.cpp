// SPDX-License-Identifier: Apache-2.0
// The one server that takes each folder at the root of its volume for data: a bucket.
#include <doctest/doctest.h>

#include <string>

#include "engine_stage.hpp"
#include "support/engine/docker.hpp"

using namespace engine_test;

TEST_CASE("MinIO does not see what is staged beside its data, and has it once it is turned in") {
  require_engine();
  const std::string image = fusebox::test::read_lock(FUSEBOX_TEST_LOCK).at("MINIO_IMAGE");
  fusebox::test::skip_without_images({image});
  Stage stage;
  const auto serve = [&](const std::string& service, const std::string& volume) {
    json::object more = stage.rig.mounts(volume, "/data");
    more["Image"] = image;
    more["Env"] =
        json::array{"MINIO_ROOT_USER=somebody", "MINIO_ROOT_PASSWORD=" + stage.rig.project,
                    "MC_HOST_local=http://somebody:" + stage.rig.project + "@127.0.0.1:9000"};
    stage.serve(service, "exec minio server --quiet --address :9000 /data", more);
    REQUIRE(eventually([&] {
      return stage.rig.shell(service, "mc ready local").find("is ready") != std::string::npos;
    }));
  };
  const auto list = [&] { return stage.rig.shell("db", "mc ls -r local | sed 's/.* //'"); };
  serve("other", "spare");
  stage.rig.shell("other", "mc mb local/photos; echo picture | mc pipe local/photos/a/1.jpg");
  stage.stop("other");
  REQUIRE(stage.ask("export", {{"volume", "spare"}}).what == "");
  serve("db", "data");
  stage.rig.shell("db", "mc mb local/notes; echo text | mc pipe local/notes/n.txt");
  REQUIRE(list() == "notes/n.txt\n");

  CHECK(stage.stage().what == "");
  CHECK(list() == "notes/n.txt\n");
  CHECK(stage.rig.shell("db", "mc ls local | sed 's/.* //'") == "notes/\n");
  CHECK(
      stage.rig.shell(
          "db", "echo more | mc pipe -q local/notes/m.txt > /tmp/out; mc cat local/notes/m.txt") ==
      "more\n");
  stage.stop("db");
  CHECK(stage.turn("new").what == "");
  serve("db", "data");
  CHECK(list() == "photos/a/1.jpg\n");
  CHECK(stage.rig.shell("db", "mc cat local/photos/a/1.jpg") == "picture\n");
}
