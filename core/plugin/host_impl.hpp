// SPDX-License-Identifier: Apache-2.0
// What the files of this room share about the host; nobody else includes it.
#pragma once

#include "config/config.hpp"
#include "plugin/op.hpp"
#include "plugin/trust.hpp"
#include "secrets/redactor.hpp"
#include "secrets/store.hpp"

#include <boost/json.hpp>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace fusebox::plugin {

struct InstanceState {
  InstanceInfo info;
  std::string context_json;  // for create()
  std::mutex mutex;          // create() is [serial]
  fbx_instance* self = nullptr;
  const fbx_plugin* plugin = nullptr;
  std::map<std::string, const void*, std::less<>> tables;
};

// Collects what a plugin writes, up to a limit: a plugin cannot fill the host's memory.
class BoundedText {
 public:
  explicit BoundedText(std::size_t limit) : limit_(limit) {}
  fbx_sink sink();
  bool overflowed() const { return overflowed_; }
  const std::string& text() const { return text_; }

 private:
  std::size_t limit_;
  std::string text_;
  bool overflowed_ = false;
};

struct Host::Impl {
  Impl(secrets::Store& s) : store(s), redactor(s) {}

  secrets::Store& store;
  secrets::Redactor redactor;
  PluginLock pins;
  std::map<std::string, std::string> use;
  std::vector<InstanceInfo> infos;
  std::deque<InstanceState> states;  // same order as infos
  std::mutex ops_mutex;
  std::deque<fbx_op> ops;
  std::mutex resolve_mutex;
  std::vector<std::string> needed;

  InstanceState& state(std::string_view instance);
  const InstanceInfo& provider(std::string_view interface_id) const;

  // Loads and creates the instance when that has not happened yet.
  void ensure_created(InstanceState& state, const CallContext& context);
  // The instance's table for `interface_id`; it holds at least `min_size` bytes.
  const void* table(InstanceState& state, std::string_view interface_id, std::size_t min_size,
                    const CallContext& context);

  fbx_op& open_op(InstanceState& state, const CallContext& context);

  // Runs `body` as one call on `state`; throws what the plugin reported, or what it did wrong.
  template <class Body>
  void call(InstanceState& state, const CallContext& context, Body&& body) {
    fbx_op& op = open_op(state, context);
    fbx_rc rc = FBX_INTERNAL;
    try {
      rc = body(&op);
    } catch (...) {
      // plugin.hpp never lets one out; a plugin that fills its tables by hand may.
      op.violation = "let an exception out";
    }
    finish(op, rc);
  }
  void finish(fbx_op& op, fbx_rc rc);

  // As call(), for a slot that answers with one JSON object.
  template <class Body>
  boost::json::object ask(InstanceState& state, const CallContext& context, Body&& body) {
    BoundedText out(kMaxResult);
    call(state, context, [&](fbx_op* op) {
      const fbx_rc rc = body(op, out.sink());
      return out.overflowed() ? flooded(*op) : rc;
    });
    return parse_result(state, out.text());
  }
  static fbx_rc flooded(fbx_op& op);
  boost::json::object parse_result(const InstanceState& state, const std::string& text) const;
  void redact(boost::json::value& value) const;

  // Makes sure that `name` is in the store, asking the stack's provider for everything needed.
  // Throws Error{denied} when `asking` has no right to it.
  void require_secret(const std::string& name, const InstanceState& asking,
                      const CallContext& context);

  static constexpr std::size_t kMaxResult = 16U << 20U;
};

// The services behind fbx_host.get_interface; null for an id that this host does not offer.
const void* host_service(std::string_view id);

inline fbx_str to_str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(fbx_str text) {
  return text.ptr == nullptr ? std::string_view{}
                             : std::string_view{text.ptr, static_cast<std::size_t>(text.len)};
}
inline std::string_view view(fbx_span bytes) {
  return bytes.ptr == nullptr ? std::string_view{}
                              : std::string_view{reinterpret_cast<const char*>(bytes.ptr),
                                                 static_cast<std::size_t>(bytes.len)};
}

// The context that a nested call inherits. Throws when the op is over.
inline CallContext context_of(fbx_op* op) {
  const std::lock_guard lock(op->mutex);
  if (op->context == nullptr)
    throw Error(Errc::argument, "the op that this call belongs to has returned already");
  return *op->context;
}

// Runs `body` for a function that a plugin calls: no exception may leave the host either.
template <class Body>
fbx_rc answer(fbx_op* op, Body&& body) noexcept {
  try {
    body();
    return FBX_OK;
  } catch (const Error& e) {
    return kHostTable.fail(op, static_cast<fbx_rc>(e.code()), to_str(e.what()), to_str(e.hint()));
  } catch (const std::exception& e) {
    return kHostTable.fail(op, FBX_INTERNAL, to_str(e.what()), to_str("this is a bug in fusebox"));
  }
}

}  // namespace fusebox::plugin
