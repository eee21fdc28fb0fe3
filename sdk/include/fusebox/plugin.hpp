// SPDX-License-Identifier: Apache-2.0
//
// The C++ face of the plugin ABI: header-only, C++17, no dependency. A plugin is a class that
// derives from fbx::Plugin and from one class per interface it provides, and one line at the end:
//
//   class Hello : public fbx::Plugin, public fbx::Step {
//    public:
//     explicit Hello(std::string_view context_json) {}
//     std::string run(fbx::Op& op, std::string_view request) override {
//       op.log(fbx::Level::info, "hello");
//       return R"({"summary":"said hello"})";
//     }
//   };
//   FUSEBOX_PLUGIN(Hello)
//
// Methods throw fbx::Error (or anything else): a thunk in front of each table slot turns what they
// throw into a result code and a text. JSON goes in and out as text; use any library for it.
#ifndef FUSEBOX_PLUGIN_HPP
#define FUSEBOX_PLUGIN_HPP

#include "clients.hpp"
#include "faces.hpp"
#include "host.h"
#include "observer.h"
#include "plugin.h"
#include "runtime.h"
#include "secrets.h"
#include "snapshot.h"
#include "step.h"
#include "store.h"
#include "values.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

// The manifest's bytes, which fusebox_add_plugin() compiles into every plugin.
extern "C" const char fusebox_manifest_text[];

namespace fbx {

// One call in flight. Valid only inside the method that got it.
class Op {
 public:
  Op(const fbx_host* host, fbx_op* op) noexcept : host_(host), op_(op) {}

  void log(Level level, std::string_view line) const noexcept {
    host_->log(op_, static_cast<int32_t>(level), to_str(line));
  }
  void progress(uint64_t done, uint64_t total, std::string_view unit,
                std::string_view what = {}) const noexcept {
    host_->progress(op_, done, total, to_str(unit), to_str(what));
  }
  bool cancelled() const noexcept { return host_->cancelled(op_) != 0; }
  int cancel_fd() const noexcept { return host_->cancel_fd(op_); }
  // Nothing means: no deadline.
  std::optional<std::chrono::milliseconds> remaining() const noexcept {
    const int64_t ms = host_->remaining_ms(op_);
    if (ms < 0) return std::nullopt;
    return std::chrono::milliseconds{ms};
  }
  // Throws FBX_CANCELLED or FBX_TIMEOUT when the op should end; `what` says what was being done.
  void check(std::string_view what) const {
    if (!cancelled()) return;
    const bool late = host_->remaining_ms(op_) == 0;
    throw Error(
        late ? FBX_TIMEOUT : FBX_CANCELLED,
        std::string(late ? "deadline passed while " : "cancelled while ") + std::string(what),
        late ? "raise the step's timeout in the config if it only needs longer" : "");
  }
  void checkpoint(std::string_view json) const {
    const fbx_rc rc = host_->checkpoint(op_, to_str(json));
    if (rc != FBX_OK) throw Error(rc, "the host could not write a checkpoint to the journal");
  }

  Secret secret(std::string_view name) const {
    Secret value;
    const fbx_rc rc =
        service<fbx_host_secret_v1>(FBX_HOST_SECRET)->get(op_, to_str(name), collect(value));
    if (rc != FBX_OK) throw Reported(rc);
    return value;
  }
  void put_secret(std::string_view name, std::string_view value) const {
    const fbx_rc rc = service<fbx_host_secret_v1>(FBX_HOST_SECRET)
                          ->put(op_, to_str(name),
                                {reinterpret_cast<const uint8_t*>(value.data()), value.size()});
    if (rc != FBX_OK) throw Reported(rc);
  }

  // The stack's runtime; throws when there is none. try_runtime: nothing when there is none.
  RuntimeClient runtime() const {
    auto found = open<RuntimeClient, fbx_runtime_v1>(FBX_IFACE_RUNTIME);
    if (!found.client) throw Reported(found.rc);
    return *found.client;
  }
  std::optional<RuntimeClient> try_runtime() const {
    return open<RuntimeClient, fbx_runtime_v1>(FBX_IFACE_RUNTIME).client;
  }
  StoreClient store() const {
    auto found = open<StoreClient, fbx_store_v1>(FBX_IFACE_STORE);
    if (!found.client) throw Reported(found.rc);
    return *found.client;
  }
  // {"instances":[...]}: all that provide the interface.
  std::string providers(std::string_view interface_id) const {
    std::string out;
    const auto* host = services();
    if (!has(host, &fbx_host_service_v1::providers))
      throw Error(FBX_UNSUPPORTED, "this fusebox cannot list providers", "update fusebox");
    const fbx_rc rc = host->providers(op_, to_str(interface_id), collect(out));
    if (rc != FBX_OK) throw Reported(rc);
    return out;
  }
  // One that is named, of several.
  SnapshotClient snapshot(std::string_view instance) const {
    return open_instance<SnapshotClient, fbx_snapshot_v1>(FBX_IFACE_SNAPSHOT, instance);
  }
  StoreClient store(std::string_view instance) const {
    return open_instance<StoreClient, fbx_store_v1>(FBX_IFACE_STORE, instance);
  }

  // Runs a child process (host.h); its stdout is collected into `out`, a std::string or a Secret.
  template <class Target>
  ProcessResult run_process(std::string_view request, std::string_view stdin_bytes,
                            Target& out) const {
    ProcessResult r;
    const fbx_rc rc =
        service<fbx_host_process_v1>(FBX_HOST_PROCESS)
            ->run(op_, to_str(request),
                  {reinterpret_cast<const uint8_t*>(stdin_bytes.data()), stdin_bytes.size()},
                  collect(out), collect(r.err), collect(r.result_json));
    if (rc != FBX_OK) throw Reported(rc);
    return r;
  }

  const fbx_host* host() const noexcept { return host_; }
  fbx_op* raw() const noexcept { return op_; }

 private:
  template <class Table>
  const Table* service(const char* id) const {
    const void* table = host_->get_interface(op_, to_str(id));
    if (table == nullptr)
      throw Error(FBX_UNSUPPORTED, std::string("this fusebox does not offer ") + id,
                  "update fusebox, or use an older version of this plugin");
    return static_cast<const Table*>(table);
  }
  const fbx_host_service_v1* services() const {
    return service<fbx_host_service_v1>(FBX_HOST_SERVICE);
  }
  template <class ClientType>
  struct Opened {
    fbx_rc rc = FBX_OK;
    std::optional<ClientType> client;
  };
  template <class ClientType, class Table>
  Opened<ClientType> open(std::string_view interface_id) const {
    const auto* host = services();
    const void* table = nullptr;
    fbx_instance* self = nullptr;
    const fbx_rc rc = host->open(op_, to_str(interface_id), &table, &self);
    if (rc != FBX_OK) return {rc, std::nullopt};
    return {rc, ClientType(host, static_cast<const Table*>(table), self, op_)};
  }
  template <class ClientType, class Table>
  ClientType open_instance(std::string_view interface_id, std::string_view instance) const {
    const auto* host = services();
    if (!has(host, &fbx_host_service_v1::open_instance))
      throw Error(FBX_UNSUPPORTED, "this fusebox cannot name a provider", "update fusebox");
    const void* table = nullptr;
    fbx_instance* self = nullptr;
    const fbx_rc rc =
        host->open_instance(op_, to_str(interface_id), to_str(instance), &table, &self);
    if (rc != FBX_OK) throw Reported(rc);
    return {host, static_cast<const Table*>(table), self, op_};
  }
  const fbx_host* host_;
  fbx_op* op_;
};

// ---- Between the C tables and the classes above -------------------------------------------------

namespace detail {

struct Instance {
  const fbx_host* host = nullptr;
  std::unique_ptr<Plugin> plugin;
};

// The one place where an exception is caught: nothing may unwind into the host.
template <class Body>
fbx_rc guarded(const fbx_host* host, fbx_op* op, Body&& body) noexcept {
  try {
    body();
    return FBX_OK;
  } catch (const Reported& e) {
    return e.rc();
  } catch (const Error& e) {
    return host->fail(op, e.rc(), to_str(e.what()), to_str(e.hint()));
  } catch (const std::bad_alloc&) {
    return host->fail(op, FBX_NOMEM, to_str("out of memory"), to_str("free some and try again"));
  } catch (const std::exception& e) {
    return host->fail(op, FBX_INTERNAL, to_str(e.what()), to_str("this is a bug of the plugin"));
  } catch (...) {
    return host->fail(op, FBX_INTERNAL, to_str("unknown exception"),
                      to_str("this is a bug of the plugin"));
  }
}

template <class Face, class Call>
fbx_rc call(fbx_instance* self, fbx_op* op, Call&& body) noexcept {
  const auto* instance = reinterpret_cast<const Instance*>(self);
  return guarded(instance->host, op, [&] {
    Op face(instance->host, op);
    body(dynamic_cast<Face&>(*instance->plugin), face);
  });
}

// (request) -> JSON, the shape of most slots.
template <auto Method, class Face>
fbx_rc ask(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink out) noexcept {
  return call<Face>(self, op,
                    [&](Face& face, Op& o) { Sink(out).write((face.*Method)(o, view(request))); });
}

// (request, descriptor) -> JSON.
template <auto Method, class Face>
fbx_rc transfer(fbx_instance* self, fbx_op* op, fbx_str request, int32_t fd,
                fbx_sink out) noexcept {
  return call<Face>(
      self, op, [&](Face& face, Op& o) { Sink(out).write((face.*Method)(o, view(request), fd)); });
}

inline constexpr fbx_step_v1 step_table = {sizeof(fbx_step_v1), 0, &ask<&Step::plan, Step>,
                                           &ask<&Step::run, Step>, &ask<&Step::undo, Step>};

inline constexpr fbx_secrets_v1 secrets_table = {
    sizeof(fbx_secrets_v1),         0,
    &ask<&Secrets::list, Secrets>,  &ask<&Secrets::resolve, Secrets>,
    &ask<&Secrets::check, Secrets>, &ask<&Secrets::template_text, Secrets>};

inline constexpr fbx_runtime_v1 runtime_table = {
    sizeof(fbx_runtime_v1),
    0,
    &ask<&Runtime::services, Runtime>,
    &ask<&Runtime::endpoint, Runtime>,
    [](fbx_instance* self, fbx_op* op, fbx_str request, int32_t in, int32_t out, int32_t err,
       fbx_sink result) -> fbx_rc {
      return call<Runtime>(self, op, [&](Runtime& face, Op& o) {
        Sink(result).write(face.exec(o, view(request), in, out, err));
      });
    },
    [](fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink ndjson) -> fbx_rc {
      return call<Runtime>(
          self, op, [&](Runtime& face, Op& o) { face.logs(o, view(request), Sink(ndjson)); });
    },
    &ask<&Runtime::stats, Runtime>,
    &ask<&Runtime::volumes, Runtime>,
    &transfer<&Runtime::volume_export, Runtime>,
    &transfer<&Runtime::volume_import, Runtime>,
    &transfer<&Runtime::volume_stage, Runtime>,
    &ask<&Runtime::volume_turn, Runtime>};

inline constexpr fbx_snapshot_v1 snapshot_table = {sizeof(fbx_snapshot_v1),
                                                   0,
                                                   &ask<&Snapshot::sources, Snapshot>,
                                                   &transfer<&Snapshot::capture, Snapshot>,
                                                   &transfer<&Snapshot::inspect, Snapshot>,
                                                   &transfer<&Snapshot::stage, Snapshot>,
                                                   &ask<&Snapshot::turn, Snapshot>,
                                                   &ask<&Snapshot::count, Snapshot>};

inline constexpr fbx_store_v1 store_table = {
    sizeof(fbx_store_v1),        0,
    &ask<&Store::begin, Store>,  &transfer<&Store::put, Store>,
    &ask<&Store::commit, Store>, &ask<&Store::abort, Store>,
    &ask<&Store::list, Store>,   &transfer<&Store::get, Store>,
    &ask<&Store::verify, Store>, &ask<&Store::pin, Store>,
    &ask<&Store::remove, Store>};

inline constexpr fbx_observer_v1 observer_table = {
    sizeof(fbx_observer_v1), 0, [](fbx_instance* self, fbx_op* op, fbx_str event) -> fbx_rc {
      return call<Observer>(self, op, [&](Observer& face, Op& o) { face.event(o, view(event)); });
    }};

template <class T>
fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context, fbx_instance** out) noexcept {
  return guarded(host, op, [&] {
    auto instance = std::make_unique<Instance>();
    instance->host = host;
    instance->plugin = std::make_unique<T>(view(context));
    *out = reinterpret_cast<fbx_instance*>(instance.release());
  });
}

inline void destroy(fbx_instance* self) noexcept { delete reinterpret_cast<Instance*>(self); }

template <class T>
const void* get_interface(fbx_instance*, fbx_str id) noexcept {
  const std::string_view wanted = view(id);
  if constexpr (std::is_base_of_v<Step, T>)
    if (wanted == FBX_IFACE_STEP) return &step_table;
  if constexpr (std::is_base_of_v<Secrets, T>)
    if (wanted == FBX_IFACE_SECRETS) return &secrets_table;
  if constexpr (std::is_base_of_v<Runtime, T>)
    if (wanted == FBX_IFACE_RUNTIME) return &runtime_table;
  if constexpr (std::is_base_of_v<Snapshot, T>)
    if (wanted == FBX_IFACE_SNAPSHOT) return &snapshot_table;
  if constexpr (std::is_base_of_v<Store, T>)
    if (wanted == FBX_IFACE_STORE) return &store_table;
  if constexpr (std::is_base_of_v<Observer, T>)
    if (wanted == FBX_IFACE_OBSERVER) return &observer_table;
  return nullptr;
}

}  // namespace detail
}  // namespace fbx

// Once per plugin, in one source file: the exported entry.
#define FUSEBOX_PLUGIN(Class)                                       \
  static const fbx_plugin fusebox_plugin_record = {                 \
      sizeof(fbx_plugin),    0,                                     \
      fusebox_manifest_text, &fbx::detail::create<Class>,           \
      &fbx::detail::destroy, &fbx::detail::get_interface<Class>};   \
  extern "C" FBX_EXPORT const fbx_entry fusebox_plugin_entry_v1 = { \
      FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0, &fusebox_plugin_record};

#endif  // FUSEBOX_PLUGIN_HPP
