// SPDX-License-Identifier: Apache-2.0
// What a check works with: the library, made-up settings, a folder of its own, and calls.
#pragma once

#include "check/bench.hpp"
#include "check/check.hpp"

#include <fusebox/step.h>

#include <map>
#include <memory>
#include <random>

namespace fusebox::check {

// An instance, destroyed when it goes.
class Instance {
 public:
  Instance(const fbx_plugin& plugin, fbx_instance* self) : plugin_(&plugin), self_(self) {}
  ~Instance() {
    if (self_ != nullptr) plugin_->destroy(self_);
  }
  Instance(Instance&& other) noexcept
      : plugin_(other.plugin_), self_(std::exchange(other.self_, nullptr)) {}
  Instance& operator=(Instance&&) = delete;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  fbx_instance* self() const { return self_; }
  const void* find(std::string_view id) const { return plugin_->get_interface(self_, to_str(id)); }

 private:
  const fbx_plugin* plugin_;
  fbx_instance* self_;
};

class Scene {
 public:
  // `folder` is empty, and this process works in it: home, state and work below it.
  Scene(const Subject& subject, std::filesystem::path folder, std::uint64_t seed);

  const Subject& subject() const { return subject_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::mt19937_64& random() { return random_; }
  Bench& bench() { return *bench_; }

  // Skips where there is none.
  const plugin::Manifest& manifest() const;
  bool provides(std::string_view interface_id) const;

  // The library, opened now and locally. Throws what the loader says.
  const fbx_entry* entry();
  // The plugin record; skips when the checks of the group `entry` would complain.
  const fbx_plugin& plugin();

  // What create() gets, with the subject's settings or others.
  std::string context(std::string_view instance = "check");
  std::string context_with(const boost::json::object& settings,
                           std::string_view instance = "check") const;
  // Settings: made up where the schema requires them, defaults else; and any that are valid.
  boost::json::object settings();
  boost::json::object random_settings();
  // Options of a verb, likewise.
  boost::json::object options(const plugin::Verb& verb);
  boost::json::object random_options(const plugin::Verb& verb);

  struct Created {
    Answer answer;
    fbx_instance* self = nullptr;
  };
  Created create(const std::string& context, const CallOptions& options = {},
                 const fbx_host* host = nullptr);
  // An instance with the usual settings; skips when life.create would complain.
  Instance make(std::string_view name = "check", const fbx_host* host = nullptr);

  // The table of an interface that the manifest provides; skips where it does not, or where the
  // checks of the group `interface` would complain.
  template <class Table>
  const Table& table(const Instance& instance, std::string_view id) {
    return *static_cast<const Table*>(sound_table(instance, id, sizeof(Table)));
  }

  using Slot = fbx_rc (*)(fbx_instance*, fbx_op*, fbx_str, fbx_sink);
  using FdSlot = fbx_rc (*)(fbx_instance*, fbx_op*, fbx_str, std::int32_t, fbx_sink);
  Answer ask(const Instance& instance, Slot slot, const boost::json::object& request,
             const CallOptions& options = {});
  Answer ask(const Instance& instance, Slot slot, std::string_view request,
             const CallOptions& options = {});
  Answer ask(const Instance& instance, FdSlot slot, const boost::json::object& request, int fd,
             const CallOptions& options = {});

  // A step's request.
  boost::json::object request(const plugin::Verb& verb, std::string_view run = "");
  // Verbs that may be run here: those without an effect and, when allowed, all.
  std::vector<const plugin::Verb*> verbs_to_run() const;

 private:
  const void* sound_table(const Instance& instance, std::string_view id, std::size_t size) const;

  const Subject& subject_;
  std::filesystem::path folder_;
  std::mt19937_64 random_;
  std::unique_ptr<Bench> bench_;
};

// Fails unless the answer keeps to the rules: a known code, with a reason when it is not FBX_OK.
// `what` names the call.
void require_sound(const Answer& answer, std::string_view what);
// Likewise, and answers with the JSON object that it is; nothing when the call did not end well.
std::optional<boost::json::object> sound_object(const Answer& answer, std::string_view what);
// Fails when it is not in the vocabulary of step.h.
void require_vocabulary(const boost::json::object& result, std::string_view what);

std::string_view code_name(fbx_rc rc);

// Every file below the folder, as path to kind, mode, and a digest of the content.
std::map<std::string, std::string> tree_of(const std::filesystem::path& folder);
// What differs between two of these, one line; empty: nothing.
std::string difference(const std::map<std::string, std::string>& before,
                       const std::map<std::string, std::string>& after);

// A text that is nearly `text`: cut off, with bytes changed, left out or repeated.
std::string mutated(std::string_view text, std::mt19937_64& random);

// Numbers of this process.
std::size_t open_descriptors();
std::size_t threads();
bool has_children();

}  // namespace fusebox::check
