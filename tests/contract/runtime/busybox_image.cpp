// SPDX-License-Identifier: Apache-2.0
#include "busybox_image.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace engine_test {

namespace {

constexpr std::string_view busybox = "/bin/busybox";

}  // namespace

void require_engine() {
  if (std::getenv("DOCKER_HOST") == nullptr)
    fusebox::test::skip_program("DOCKER_HOST does not name an engine of the tests' own");
  if (!std::filesystem::exists(busybox))
    fusebox::test::skip_program("no busybox for an image: apt-get install busybox-static");
}

std::string busybox_stream() {
  const fusebox::test::TempDir dir;
  const std::string command = fmt::format(
      "cd {} && mkdir -p bin data tmp etc && cp {} bin/busybox && for a in sh cat ls echo sleep "
      "chown chmod mkdir mv ln stat head wc rm test id find tr seq env dd yes kill stty touch sort "
      "true; do ln -s busybox bin/$a; done && echo 'root:x:0:0::/:/bin/sh' > etc/passwd && tar "
      "--numeric-owner -c .",
      dir.path().string(), busybox);
  std::string out;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe))
    out.append(buffer, count);
  REQUIRE(::pclose(pipe) == 0);
  return out;
}

}  // namespace engine_test
