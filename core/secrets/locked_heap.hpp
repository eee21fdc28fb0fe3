// SPDX-License-Identifier: Apache-2.0
// Memory for secrets: locked, left out of core dumps, between guard pages, wiped when freed.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace fusebox::secrets {

// Thread-safe. Grows as needed; what it took from the system it keeps until it is destroyed.
class LockedHeap {
 public:
  LockedHeap() = default;
  ~LockedHeap();
  LockedHeap(const LockedHeap&) = delete;
  LockedHeap& operator=(const LockedHeap&) = delete;

  // A piece of it; wiped and given back when destroyed. Must not outlive the heap.
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept
        : heap_(std::exchange(other.heap_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
    Block& operator=(Block&& other) noexcept {
      std::swap(heap_, other.heap_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() {
      if (heap_ != nullptr) heap_->give_back(bytes_);
    }
    char* data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return bytes_.size(); }

   private:
    friend class LockedHeap;
    Block(LockedHeap* heap, std::span<char> bytes) : heap_(heap), bytes_(bytes) {}
    LockedHeap* heap_ = nullptr;
    std::span<char> bytes_;
  };

  // `size` zeroed bytes. Throws Error{nomem}.
  Block allocate(std::size_t size);

  // False when the system refused to lock some of it.
  bool locked() const;

 private:
  struct Hole {
    std::size_t offset;
    std::size_t size;
  };
  struct Chunk {
    char* mapping;  // a guard page, the memory, a guard page
    std::size_t mapped;
    std::span<char> memory;
    std::vector<Hole> holes;  // by offset, never adjacent
  };

  Chunk map_chunk(std::size_t at_least);
  void give_back(std::span<char> bytes) noexcept;

  mutable std::mutex mutex_;
  std::vector<Chunk> chunks_;
  bool locked_ = true;
};

}  // namespace fusebox::secrets
