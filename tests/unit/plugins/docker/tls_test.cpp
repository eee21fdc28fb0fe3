// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "common/docker/exec.hpp"
#include "script.hpp"
#include "support/tls_proxy.hpp"

using namespace engine_script;

namespace {

// The address of the proxy, with certificates from `folder`.
docker::Address address_of(const fusebox::test::TlsProxy& proxy,
                           const std::filesystem::path& folder) {
  return docker::find_engine({"tcp://127.0.0.1:" + std::to_string(proxy.port()), ""},
                             [&](std::string_view name) -> std::optional<std::string> {
                               if (name == "DOCKER_TLS_VERIFY") return "1";
                               if (name == "DOCKER_CERT_PATH") return folder.string();
                               return std::nullopt;
                             });
}

}  // namespace

TEST_CASE("an engine behind TLS is asked, and a program's input ends there too") {
  std::string received;
  Script script({{"GET /containers/json", says("[]")},
                 {"POST /containers/aa/exec", says(R"({"Id":"ee"})", 201)},
                 {"POST /exec/ee/start",
                  [&](Conversation& talk) {
                    talk.send(
                        "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
                    for (std::string piece = talk.receive(); !piece.empty(); piece = talk.receive())
                      received += piece;
                    talk.send(frame(1, "heard " + std::to_string(received.size())));
                    talk.hang_up();
                  }},
                 {"GET /exec/ee/json", says(R"({"Running":false,"ExitCode":3})")}});
  const fusebox::test::TempDir dir;
  REQUIRE_MESSAGE(fusebox::test::make_certificates(dir.path()), "no openssl program");
  const fusebox::test::TlsProxy proxy(dir.path(), script.dir / "engine.sock");
  docker::Engine engine(script.call.op(), address_of(proxy, dir / "client"));
  CHECK(engine.containers({}).empty());

  std::ofstream(dir / "in") << std::string(300000, 'x');
  const int in = ::open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC);
  const int out = ::open((dir / "out").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  docker::Exec exec;
  exec.container = "aa";
  exec.command = {"wc"};
  CHECK(docker::run_exec(engine, exec, in, out, -1) == 3);
  ::close(in);
  ::close(out);
  std::string text;
  std::getline(std::ifstream(dir / "out"), text);
  CHECK(text == "heard 300000");
}

TEST_CASE("without the right certificates there is no trust, in either direction") {
  Script script({{"GET /containers/json", says("[]")}});
  const fusebox::test::TempDir dir;
  const fusebox::test::TempDir others;
  REQUIRE_MESSAGE(fusebox::test::make_certificates(dir.path()), "no openssl program");
  REQUIRE(fusebox::test::make_certificates(others.path()));
  const fusebox::test::TlsProxy proxy(dir.path(), script.dir / "engine.sock");
  const Thrown stranger = thrown([&] {
    docker::Engine(script.call.op(), address_of(proxy, others / "client")).containers({});
  });
  CHECK(stranger.rc == FBX_DENIED);
  CHECK(stranger.hint.find("DOCKER_CERT_PATH") != std::string::npos);
  // The engine's authority is known, but we have nothing to show.
  std::filesystem::create_directories(dir / "nobody");
  std::filesystem::copy_file(dir / "ca.pem", dir / "nobody" / "ca.pem");
  CHECK(thrown([&] {
          docker::Engine(script.call.op(), address_of(proxy, dir / "nobody")).containers({});
        }).rc != FBX_OK);
}
