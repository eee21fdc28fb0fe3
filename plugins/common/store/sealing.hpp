// SPDX-License-Identifier: Apache-2.0
// Encryption of a stored file by the program age, on its way to disk and back.
#pragma once

#include <exception>
#include <functional>
#include <fusebox/plugin.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/filter.hpp"

namespace fbx::store {

// What is written goes to age, and from there to `take`, on a thread of its own.
class Sealer {
 public:
  Sealer(const Op& op, const std::vector<std::string>& recipients,
         std::function<void(std::string_view)> take);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // Throws what `take` threw, or Error with what age said.
  void write(std::string_view bytes);
  void finish();  // all of it was taken

 private:
  void drain();
  common::Filter age_;
  std::function<void(std::string_view)> take_;
  std::exception_ptr thrown_;
  std::thread thread_;
};

// What `pull` gives, on a thread of its own, goes to age, and comes from next() in the clear.
class Opener {
 public:
  Opener(const Op& op, const Secret& identity, std::function<std::string_view()> pull);
  ~Opener();
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  // Valid until the next call; empty at the end. Throws what `pull` threw, else Error{FBX_DENIED}
  // when the identity does not fit, Error{FBX_IO} for anything else.
  std::string_view next();
  // `pull` is not called any more.
  void stop();

 private:
  void feed();
  common::Filter age_;
  std::function<std::string_view()> pull_;
  std::vector<char> buffer_;
  std::exception_ptr thrown_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace fbx::store
