// SPDX-License-Identifier: Apache-2.0
#include "secrets/locked_heap.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "util/error.hpp"
#include "util/wipe.hpp"

namespace fusebox::secrets {

namespace {

constexpr std::size_t alignment = 16;
// Many systems let a user lock no more than 64 KiB in all.
constexpr std::size_t first_chunk = 16384;

std::size_t round_up(std::size_t size, std::size_t to) { return (size + to - 1) / to * to; }

std::size_t slot_size(std::size_t size) {
  return round_up(std::max<std::size_t>(size, 1), alignment);
}

}  // namespace

LockedHeap::~LockedHeap() {
  for (const Chunk& chunk : chunks_) {
    util::wipe(chunk.memory.data(), chunk.memory.size());
    ::munmap(chunk.mapping, chunk.mapped);
  }
}

LockedHeap::Chunk LockedHeap::map_chunk(std::size_t at_least) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t wanted = chunks_.empty() ? first_chunk : 2 * chunks_.back().memory.size();
  const std::size_t size = round_up(std::max(at_least, wanted), page);
  const std::size_t mapped = size + 2 * page;
  void* mapping = ::mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    throw Error(Errc::nomem, fmt::format("cannot get {} bytes of memory for secrets", size));
  char* memory = static_cast<char*>(mapping) + page;
  if (::mprotect(memory, size, PROT_READ | PROT_WRITE) != 0) {
    const int errnum = errno;
    ::munmap(mapping, mapped);
    throw system_error("open", "the memory for secrets", errnum);
  }
  if (::mlock(memory, size) != 0) locked_ = false;
#if defined(MADV_DONTDUMP)
  ::madvise(memory, size, MADV_DONTDUMP);
#endif
  return {static_cast<char*>(mapping), mapped, std::span(memory, size), {{0, size}}};
}

LockedHeap::Block LockedHeap::allocate(std::size_t size) {
  const std::size_t slot = slot_size(size);
  const std::lock_guard guard(mutex_);
  const auto take_from = [&](Chunk& chunk) -> char* {
    const auto hole = std::find_if(chunk.holes.begin(), chunk.holes.end(),
                                   [&](const Hole& h) { return h.size >= slot; });
    if (hole == chunk.holes.end()) return nullptr;
    char* at = chunk.memory.data() + hole->offset;
    hole->offset += slot;
    hole->size -= slot;
    if (hole->size == 0) chunk.holes.erase(hole);
    return at;
  };
  for (Chunk& chunk : chunks_)
    if (char* at = take_from(chunk)) return {this, std::span(at, size)};
  chunks_.push_back(map_chunk(slot));
  return {this, std::span(take_from(chunks_.back()), size)};
}

void LockedHeap::give_back(std::span<char> bytes) noexcept {
  util::wipe(bytes.data(), bytes.size());
  const std::lock_guard guard(mutex_);
  for (Chunk& chunk : chunks_) {
    char* const begin = chunk.memory.data();
    if (bytes.data() < begin || bytes.data() >= begin + chunk.memory.size()) continue;
    const Hole hole{static_cast<std::size_t>(bytes.data() - begin), slot_size(bytes.size())};
    auto next = std::find_if(chunk.holes.begin(), chunk.holes.end(),
                             [&](const Hole& h) { return h.offset > hole.offset; });
    next = chunk.holes.insert(next, hole);
    if (const auto after = next + 1;
        after != chunk.holes.end() && next->offset + next->size == after->offset) {
      next->size += after->size;
      chunk.holes.erase(after);
    }
    if (next != chunk.holes.begin()) {
      const auto before = next - 1;
      if (before->offset + before->size == next->offset) {
        before->size += next->size;
        chunk.holes.erase(next);
      }
    }
    return;
  }
}

bool LockedHeap::locked() const {
  const std::lock_guard guard(mutex_);
  return locked_;
}

}  // namespace fusebox::secrets
