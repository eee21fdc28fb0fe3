// SPDX-License-Identifier: Apache-2.0
// Text that is overwritten before its memory is given back: for values that must not be left
// behind.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace fbx::common {

// Overwrites `size` bytes; unlike memset it is never optimised away.
inline void wipe(void* memory, std::size_t size) noexcept {
  auto* bytes = static_cast<volatile char*>(memory);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = 0;
}

template <class T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    wipe(memory, count * sizeof(T));
    std::allocator<T>{}.deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) noexcept { return true; }
};

// A growing text. Not a std::basic_string with an allocator: that keeps short values inside itself,
// where no allocator wipes them. Move-only, so that a copy is always meant: copy().
class WipedText {
 public:
  WipedText() = default;
  explicit WipedText(std::string_view text) { append(text); }
  WipedText(WipedText&&) noexcept = default;
  WipedText& operator=(WipedText&&) noexcept = default;
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() = default;

  WipedText copy() const { return WipedText(view()); }
  void append(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void push_back(char c) { bytes_.push_back(c); }
  void reserve(std::size_t size) { bytes_.reserve(size); }

  std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  std::vector<char, WipingAllocator<char>> bytes_;
};

}  // namespace fbx::common
