// SPDX-License-Identifier: Apache-2.0
#include "secrets/locked_heap.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>
#include <string_view>

#include "util/error.hpp"
#include "util/fs.hpp"

using fusebox::secrets::LockedHeap;

TEST_CASE("what is given back is wiped and used again") {
  LockedHeap heap;
  const char* where = nullptr;
  {
    const LockedHeap::Block block = heap.allocate(20);
    std::memcpy(block.data(), "secret-in-the-block!", 20);
    where = block.data();
  }
  CHECK(std::all_of(where, where + 20, [](char c) { return c == 0; }));
  const LockedHeap::Block again = heap.allocate(20);
  CHECK(again.data() == where);
}

TEST_CASE("blocks never overlap and are zeroed, whatever the order of taking and giving back") {
  LockedHeap heap;
  std::mt19937 random(7);
  std::vector<std::pair<LockedHeap::Block, char>> blocks;
  for (int i = 0; i < 3000; ++i) {
    if (blocks.size() > 40 || (!blocks.empty() && random() % 3 == 0)) {
      const std::size_t victim = random() % blocks.size();
      const auto& [block, fill] = blocks[victim];
      REQUIRE(std::all_of(block.data(), block.data() + block.size(),
                          [f = fill](char c) { return c == f; }));
      std::swap(blocks[victim], blocks.back());
      blocks.pop_back();
      continue;
    }
    LockedHeap::Block block = heap.allocate(random() % 2000);
    REQUIRE(std::all_of(block.data(), block.data() + block.size(), [](char c) { return c == 0; }));
    const char fill = static_cast<char>('a' + i % 26);
    std::memset(block.data(), fill, block.size());
    blocks.emplace_back(std::move(block), fill);
  }
}

TEST_CASE("a whole chunk comes together again from its pieces") {
  LockedHeap heap;
  std::vector<LockedHeap::Block> blocks;
  for (int i = 0; i < 64; ++i) blocks.push_back(heap.allocate(256));  // all of the first chunk
  const char* first = blocks.front().data();
  for (std::size_t i = 0; i < 64; i += 2) blocks[i] = LockedHeap::Block();
  for (std::size_t i = 1; i < 64; i += 2) blocks[i] = LockedHeap::Block();
  CHECK(heap.allocate(16 * 1024).data() == first);
}

TEST_CASE("running out of a chunk's end is stopped by a guard page") {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // a test framework or sanitizer may have its own
    LockedHeap heap;
    const LockedHeap::Block block = heap.allocate(16 * 1024);
    volatile char* end = block.data() + block.size();
    *end = 'x';
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSEGV);
}

TEST_CASE("more memory than there is is an error, not a crash") {
  LockedHeap heap;
  try {
    heap.allocate(std::size_t{1} << 60);
    FAIL("it should have thrown");
  } catch (const fusebox::Error& error) {
    CHECK(error.code() == fusebox::Errc::nomem);
  }
  CHECK(heap.allocate(10).size() == 10);
}
