// SPDX-License-Identifier: Apache-2.0
// A tar stream of entries that are made up, not read from a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fbx::common {

struct TarOwner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};

// Paths are relative to the folder that the stream is of; "." is that folder. Throws Error{io}, and
// what `push` throws.
class TarWriter {
 public:
  explicit TarWriter(std::function<void(std::string_view bytes)> push);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  void folder(const std::string& path, TarOwner owner, unsigned mode);
  // add() follows until all of `size` is there.
  void file(const std::string& path, TarOwner owner, unsigned mode, std::uint64_t size);
  void add(std::string_view bytes);
  // One more name for a file that came before.
  void hard_link(const std::string& path, const std::string& target, TarOwner owner, unsigned mode);
  // Without it the stream is none.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fbx::common
