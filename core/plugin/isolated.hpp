// SPDX-License-Identifier: Apache-2.0
// One instance of a plugin in a process of its own, with the same face as one in this process.
#pragma once

#include "plugin/catalog.hpp"
#include "plugin/guest_process.hpp"
#include "plugin/library_copy.hpp"
#include "plugin/slots.hpp"
#include "util/error.hpp"

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fusebox::util {
class CancelToken;
}

namespace fusebox::plugin {

// Thread-safe. What goes wrong with its process costs the calls that are in it, and is told on
// their ops; afterwards alive() is false, and a new one takes its place.
class Isolated {
 public:
  // Starts the process. Throws Error.
  Isolated(const std::filesystem::path& program, const Found& found);
  // Destroys the instance in the time that it takes, a second at most, and ends the process.
  ~Isolated();
  Isolated(const Isolated&) = delete;
  Isolated& operator=(const Isolated&) = delete;

  bool alive() const { return process_->alive(); }

  // Has it load the library and make the instance, and asks for its tables. As fbx_plugin.create.
  fbx_rc create(fbx_op* op, const LibraryCopy& library, std::string_view context_json,
                const std::vector<std::string>& interfaces);

  bool provides(std::string_view interface_id) const { return provided_.contains(interface_id); }
  // A table that calls the instance; null when it has none, or fusebox does not know the interface.
  const void* table(std::string_view interface_id) const;
  // What goes with it.
  fbx_instance* self(std::string_view interface_id) const;

  // What every function of its tables ends in.
  static fbx_rc call(fbx_instance* self, fbx_op* op, std::uint8_t slot, const SlotCall& call);

 private:
  struct Lane {
    wire::Channel channel;
    util::UniqueFd cancel;
    bool is_free = false;
  };
  struct Face {
    Isolated* guest = nullptr;
    std::size_t interface = 0;
    std::vector<std::uint64_t> table;  // empty: it has none
  };
  class OpWait;

  // Runs `body(lane, waiter, live op)` for one call, and turns what ends it into a result.
  template <class Body>
  fbx_rc on_lane(fbx_op* op, Body&& body);
  Lane& take_lane();
  void give_back(Lane& lane, bool is_used_up);
  void load(Lane& lane, OpWait& waiter, const LibraryCopy& library);
  void describe(Lane& lane, OpWait& waiter, const std::string& id);
  void destroy();
  Error late(Errc code, std::chrono::milliseconds patience) const;
  Error died() const;

  const Found& found_;
  std::shared_ptr<GuestProcess> process_;
  std::mutex mutex_;
  std::list<Lane> lanes_;
  bool created_ = false;
  std::set<std::string, std::less<>> provided_;
  std::array<Face, kInterfaces.size()> faces_;
};

}  // namespace fusebox::plugin
