// SPDX-License-Identifier: Apache-2.0
// The process of an isolated plugin, from within: it loads one library, makes one instance of it,
// and passes calls to it and from it. docs/PLUGIN-PROTOCOL.md.
#pragma once

#include "guest/link.hpp"
#include "plugin/slots.hpp"
#include "plugin/wire.hpp"

#include <fusebox/plugin.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace fusebox::guest {

// One plugin in its process. Lanes are served by a thread each.
class Guest {
 public:
  // Opens the library that the message names, or the one that came with it. Throws Error.
  using Loader =
      std::function<const fbx_plugin&(const plugin::wire::Load&, util::UniqueFd library)>;

  explicit Guest(Link& link, Loader loader) : link_(link), loader_(std::move(loader)) {}

  // Serves a lane until fusebox closes it. `cancel` turns readable when the call on it is
  // cancelled. Throws ProtocolError when fusebox says what it must not.
  void serve(plugin::wire::Channel& lane, const util::UniqueFd& cancel);

 private:
  void load(plugin::wire::Channel& lane, plugin::wire::Frame& frame);
  void create(plugin::wire::Channel& lane, int cancel, const plugin::wire::Frame& frame);
  void describe(plugin::wire::Channel& lane, const plugin::wire::Frame& frame);
  void call(plugin::wire::Channel& lane, int cancel, plugin::wire::Frame& frame);
  void destroy(plugin::wire::Channel& lane, const plugin::wire::Frame& frame);
  fbx_instance* instance() const;
  Op& open_op(std::uint32_t number, std::int64_t left_us, plugin::wire::Channel& lane, int cancel);

  Link& link_;
  Loader loader_;
  std::mutex mutex_;
  const fbx_plugin* plugin_ = nullptr;
  fbx_instance* instance_ = nullptr;
  std::array<const void*, plugin::kInterfaces.size()> tables_{};
  // Kept: a plugin that uses one too late meets a closed op, and not freed memory.
  std::deque<Op> ops_;
};

}  // namespace fusebox::guest
