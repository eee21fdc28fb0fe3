// SPDX-License-Identifier: Apache-2.0
#include "common/compose/output.hpp"

#include <doctest/doctest.h>

using namespace fbx::compose;

TEST_CASE("D02 Compose's list is read as one array and as one object per line") {
  for (const char* text : {R"([{"Name":"a"},{"Name":"b"}])", "{\"Name\":\"a\"}\n{\"Name\":\"b\"}\n",
                           "\n [ {\"Name\":\"a\"}, {\"Name\":\"b\"} ] \n"}) {
    CAPTURE(text);
    const auto objects = parse_objects(text, "compose ps");
    REQUIRE(objects.size() == 2);
    CHECK(objects[1].at("Name").as_string() == "b");
  }
  CHECK(parse_objects("", "compose ps").empty());
  CHECK(parse_objects("[]", "compose ps").empty());
}

TEST_CASE("D02 what cannot be read is an error, never an empty answer") {
  for (const char* text : {"nonsense", "{\"Name\":\"a\"", "[{\"Name\":\"a\"},3]", "{\"a\":1}\nrest",
                           "[{\"a\":1}] tail", "3"}) {
    CAPTURE(text);
    try {
      parse_objects(text, "compose ps");
      FAIL("it was read");
    } catch (const fbx::Error& error) {
      CHECK(error.rc() == FBX_IO);
      CHECK(std::string(error.what()).find("compose ps") != std::string::npos);
      CHECK_FALSE(error.hint().empty());
    }
  }
}

TEST_CASE("Compose's own messages are told from other lines, with escapes undone") {
  const auto line = parse_log_line(
      R"(time="2026-11-24T02:00:00Z" level=warning msg="The \"SALT\" variable is not set. Defaulting to a blank string.")");
  REQUIRE(line);
  CHECK(line->level == "warning");
  CHECK(line->message == "The \"SALT\" variable is not set. Defaulting to a blank string.");
  CHECK(unset_variable(line->message) == "SALT");
  CHECK_FALSE(unset_variable("volume \"x\" already exists but was not created by Docker Compose"));
  CHECK_FALSE(parse_log_line("Error response from daemon: no"));
}

TEST_CASE("progress lines give kind, name and status") {
  struct Row {
    const char* line;
    const char* kind;
    const char* name;
    const char* status;
  };
  for (const Row& row :
       {Row{" Container langfuse-redis-1  Started", "Container", "langfuse-redis-1", "Started"},
        Row{" Volume \"x_data\"  Creating", "Volume", "x_data", "Creating"},
        Row{" redis Pulled ", "", "redis", "Pulled"},
        Row{" 4f4fb700ef54 Downloading [==>  ]  1MB/2MB", "", "4f4fb700ef54", "Downloading"},
        Row{" Container a-b-1  Error", "Container", "a-b-1", "Error"}}) {
    CAPTURE(row.line);
    const auto progress = parse_progress(row.line);
    REQUIRE(progress);
    CHECK(progress->kind == row.kind);
    CHECK(progress->name == row.name);
    CHECK(progress->status == row.status);
  }
  CHECK_FALSE(parse_progress("Error response from daemon: x"));
  CHECK_FALSE(parse_progress(" something else entirely"));
  CHECK(is_done("Healthy"));
  CHECK_FALSE(is_done("Waiting"));
}

TEST_CASE("versions of Compose are compared by number, whatever stands around it") {
  CHECK(parse_version("2.40.3\n") == ComposeVersion{2, 40});
  CHECK(parse_version("v2.26.1-4") == ComposeVersion{2, 26});
  CHECK(parse_version("2.9.0") < ComposeVersion{2, 20});
  CHECK_FALSE(parse_version("docker: 'compose' is not a docker command."));
  CHECK_FALSE(parse_version(""));
}

TEST_CASE("a failure of Compose says why, with a code for what to do next") {
  struct Row {
    const char* line;
    fbx_rc rc;
  };
  for (const Row& row :
       {Row{"permission denied while trying to connect to the Docker daemon socket at unix:///x",
            FBX_DENIED},
        Row{"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
            "daemon running?",
            FBX_UNAVAILABLE},
        Row{"failed to register layer: write /x: no space left on device", FBX_IO},
        Row{"dependency failed to start: container p-db-1 is unhealthy", FBX_FAILED},
        Row{"container p-db-1 exited (3)", FBX_FAILED},
        Row{"Error response from daemon: driver failed: Bind for 0.0.0.0:80 failed: port is "
            "already allocated",
            FBX_CONFLICT},
        Row{"Error response from daemon: manifest for redis:0 not found: manifest unknown",
            FBX_NOT_FOUND},
        Row{"error while interpolating services.web.image: required variable WEB is missing a "
            "value",
            FBX_CONFIG},
        Row{"yaml: line 3: did not find expected key", FBX_CONFIG},
        Row{"something nobody has seen", FBX_IO}}) {
    CAPTURE(row.line);
    const auto error =
        explain_failure("docker compose up", 1, {" Container p-db-1  Starting", row.line});
    CHECK(error.rc() == row.rc);
    CHECK(std::string(error.what()) == std::string("docker compose up: ") + row.line);
    CHECK_FALSE(error.hint().empty());
  }
  CHECK(std::string(explain_failure("docker compose up", 7, {}).what()) ==
        "docker compose up ended with code 7");
}
