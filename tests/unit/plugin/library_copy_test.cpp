// SPDX-License-Identifier: Apache-2.0
#include "plugin/library_copy.hpp"

#include "plugin/trust.hpp"

#include "stack.hpp"
#include "util/fs.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace fusebox;
using fusebox::test::Stack;
namespace fs = std::filesystem;

TEST_CASE("a copy of a library is what the file was, and nobody can change it") {
  const fs::path library =
      plugin::Catalog::discover({FUSEBOX_TEST_PLUGINS}).find("zoo-fails")->library;
  const plugin::LibraryCopy copy(library);
  CHECK(copy.sha256() == util::sha256_hex_file(library));
#if defined(__linux__)
  REQUIRE(copy.fd() >= 0);
  CHECK(::write(copy.fd(), "x", 1) < 0);
  CHECK(::ftruncate(copy.fd(), 0) != 0);
  CHECK(copy.sha256() == util::sha256_hex_file(library));
#endif
}

TEST_CASE("a pinned plugin runs, here as well, as what was compared with its pin") {
  for (const char* isolation : {"none", "process"}) {
    CAPTURE(isolation);
    Stack stack(fmt::format("[plugins.zoo-fails]\nisolation = \"{}\"\n", isolation));
    plugin::PluginLock lock;
    const plugin::Found& found = *stack.catalog.find("zoo-fails");
    lock.pin("zoo-fails", found.library, found.manifest.file);
    lock.write(stack.dir / "plugins.lock");
    std::vector<config::Problem> problems;
    plugin::Host host(stack.config, stack.catalog, stack.store, problems, Stack::isolation());
    const plugin::CallContext c = stack.context();
    CHECK_THROWS_WITH_AS(host.run("zoo-fails", Stack::request("bite"), c),
                         "the disk of the zoo is full", Error);
  }
}
