// SPDX-License-Identifier: Apache-2.0
// What the host offers to plugins: secret values, and the services of other plugins.
#include "plugin/host_impl.hpp"
#include "plugin/interfaces.hpp"
#include "plugin/process_service.hpp"

#include <fmt/format.h>
#include <fusebox/host.h>

#include <algorithm>

namespace fusebox::plugin {

namespace {

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// ---- fusebox.host.secret/1 ----------------------------------------------------------------------

fbx_rc secret_get(fbx_op* op, fbx_str name_raw, fbx_sink value) {
  return answer(op, [&] {
    const std::string name(view(name_raw));
    op->host.require_secret(name, op->instance, context_of(op));
    std::int32_t rc = FBX_OK;
    op->host.store.with(name, [&](std::string_view bytes) {
      rc = value.write(value.ctx,
                       {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    });
    if (rc != FBX_OK)
      throw Error(Errc::nomem, fmt::format("the secret \"{}\" was not taken", name));
  });
}

fbx_rc secret_put(fbx_op* op, fbx_str name, fbx_span value) {
  return answer(op, [&] {
    const Manifest& manifest = op->instance.info.plugin->manifest;
    if (!manifest.provides_interface(FBX_IFACE_SECRETS))
      throw Error(Errc::denied,
                  fmt::format("plugin \"{}\" may not set secrets: it does not provide {}",
                              manifest.id, FBX_IFACE_SECRETS));
    op->host.store.put(view(name), view(value));
  });
}

constexpr fbx_host_secret_v1 kSecretTable = {sizeof(fbx_host_secret_v1), 0, secret_get, secret_put};

// ---- fusebox.host.service/1 ---------------------------------------------------------------------
//
// A consumer never gets the provider's own table: it gets one whose functions open an op of the
// provider, so that logs, errors and the right to secrets are the provider's, and copy its error
// onto the consumer's op.

template <auto Slot>
struct Forward;

template <class Table, class... Args, fbx_rc (*Table::*Slot)(fbx_instance*, fbx_op*, Args...)>
struct Forward<Slot> {
  static fbx_rc call(fbx_instance* self, fbx_op* op, Args... args) {
    Proxy& proxy = *reinterpret_cast<Proxy*>(self);
    const auto keep = [&](std::optional<Failure> failure) {
      const std::lock_guard lock(proxy.mutex);
      proxy.failure = std::move(failure);
    };
    return answer(op, [&] {
      keep(std::nullopt);
      try {
        run(*proxy.provider, op, args...);
      } catch (const Error& e) {
        keep(Failure{static_cast<fbx_rc>(e.code()), e.what(), e.hint()});
        throw;
      }
    });
  }

 private:
  static void run(InstanceState& provider, fbx_op* op, Args... args) {
    const CallContext context = context_of(op);
    Host::Impl& host = op->host;
    const auto& table =
        *static_cast<const Table*>(host.table(provider, kInterface<Table>, sizeof(Table), context));
    if (table.*Slot == nullptr)
      throw Error(Errc::unsupported,
                  fmt::format("plugin \"{}\" lacks a function of {}",
                              provider.info.plugin->manifest.id, kInterface<Table>));
    host.call(provider, context,
              [&](fbx_op* inner) { return (table.*Slot)(provider.self, inner, args...); });
  }
};

template <auto Slot>
constexpr auto forward = &Forward<Slot>::call;

constexpr fbx_runtime_v1 kRuntimeProxy = {sizeof(fbx_runtime_v1),
                                          0,
                                          forward<&fbx_runtime_v1::services>,
                                          forward<&fbx_runtime_v1::endpoint>,
                                          forward<&fbx_runtime_v1::exec>,
                                          forward<&fbx_runtime_v1::logs>,
                                          forward<&fbx_runtime_v1::stats>,
                                          forward<&fbx_runtime_v1::volumes>,
                                          forward<&fbx_runtime_v1::volume_export>,
                                          forward<&fbx_runtime_v1::volume_import>,
                                          forward<&fbx_runtime_v1::volume_stage>,
                                          forward<&fbx_runtime_v1::volume_turn>};

constexpr fbx_snapshot_v1 kSnapshotProxy = {sizeof(fbx_snapshot_v1),
                                            0,
                                            forward<&fbx_snapshot_v1::sources>,
                                            forward<&fbx_snapshot_v1::capture>,
                                            forward<&fbx_snapshot_v1::inspect>,
                                            forward<&fbx_snapshot_v1::stage>,
                                            forward<&fbx_snapshot_v1::turn>,
                                            forward<&fbx_snapshot_v1::count>};

constexpr fbx_store_v1 kStoreProxy = {sizeof(fbx_store_v1),           0,
                                      forward<&fbx_store_v1::begin>,  forward<&fbx_store_v1::put>,
                                      forward<&fbx_store_v1::commit>, forward<&fbx_store_v1::abort>,
                                      forward<&fbx_store_v1::list>,   forward<&fbx_store_v1::get>,
                                      forward<&fbx_store_v1::verify>, forward<&fbx_store_v1::pin>,
                                      forward<&fbx_store_v1::remove>};

const void* proxy_of(std::string_view interface_id) {
  if (interface_id == FBX_IFACE_RUNTIME) return &kRuntimeProxy;
  if (interface_id == FBX_IFACE_SNAPSHOT) return &kSnapshotProxy;
  if (interface_id == FBX_IFACE_STORE) return &kStoreProxy;
  throw Error(Errc::unsupported, fmt::format("this fusebox cannot hand out {}", interface_id));
}

// The manifest of the op's plugin must name what it uses.
void check_right(const fbx_op& op, std::string_view interface_id) {
  const Manifest& manifest = op.instance.info.plugin->manifest;
  if (!holds(manifest.requires_, interface_id) && !holds(manifest.wants, interface_id))
    throw Error(
        Errc::denied,
        fmt::format("plugin \"{}\" asked for {}, which its manifest neither requires nor wants",
                    manifest.id, interface_id));
}

void hand_out(fbx_op& op, std::string_view interface_id, InstanceState& provider,
              const void** table, fbx_instance** self) {
  *table = proxy_of(interface_id);
  const std::lock_guard lock(op.mutex);
  Proxy& proxy = op.proxies.emplace_back();
  proxy.provider = &provider;
  *self = reinterpret_cast<fbx_instance*>(&proxy);
}

fbx_rc service_open(fbx_op* op, fbx_str id_raw, const void** table, fbx_instance** self) {
  return answer(op, [&] {
    const std::string_view id = view(id_raw);
    check_right(*op, id);
    proxy_of(id);
    hand_out(*op, id, op->host.state(op->host.provider(id).name), table, self);
  });
}

fbx_rc service_open_instance(fbx_op* op, fbx_str id_raw, fbx_str name, const void** table,
                             fbx_instance** self) {
  return answer(op, [&] {
    const std::string_view id = view(id_raw);
    check_right(*op, id);
    InstanceState& state = op->host.state(view(name));
    if (!state.info.provides_interface(id))
      throw Error(Errc::not_found, fmt::format("\"{}\" does not provide {}", view(name), id));
    hand_out(*op, id, state, table, self);
  });
}

void write_json(fbx_sink sink, const boost::json::object& object) {
  const std::string text = boost::json::serialize(object);
  if (sink.write(sink.ctx, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) !=
      FBX_OK)
    throw Error(Errc::nomem, "an answer of the host was not taken");
}

fbx_rc service_providers(fbx_op* op, fbx_str id_raw, fbx_sink result) {
  return answer(op, [&] {
    const std::string_view id = view(id_raw);
    check_right(*op, id);
    std::vector<std::string> names;
    for (const InstanceInfo& info : op->host.infos)
      if (info.provides_interface(id)) names.push_back(info.name);
    std::sort(names.begin(), names.end());
    write_json(result, {{"instances", boost::json::array(names.begin(), names.end())}});
  });
}

fbx_rc service_failure(fbx_op* op, const fbx_instance* self, fbx_sink result) {
  return answer(op, [&] {
    // const for the caller alone: the proxy is the host's own.
    auto& proxy = *reinterpret_cast<Proxy*>(const_cast<fbx_instance*>(self));
    const std::lock_guard lock(proxy.mutex);
    boost::json::object object;
    if (proxy.failure)
      object = {{"code", proxy.failure->rc},
                {"what", proxy.failure->what},
                {"hint", proxy.failure->hint}};
    write_json(result, object);
  });
}

constexpr fbx_host_service_v1 kServiceTable = {sizeof(fbx_host_service_v1),
                                               0,
                                               service_open,
                                               service_providers,
                                               service_open_instance,
                                               service_failure};

}  // namespace

void Host::Impl::require_secret(const std::string& name, const InstanceState& asking,
                                const CallContext& context) {
  if (!holds(asking.info.secrets, name))
    throw Error(
        Errc::denied,
        fmt::format("plugin \"{}\" asked for the secret \"{}\", which neither its manifest nor its "
                    "settings name",
                    asking.info.plugin->manifest.id, name),
        "refer to it in the plugin's settings with { secret = \"NAME\" }");
  if (store.contains(name)) return;
  const std::lock_guard one_at_a_time(resolve_mutex);
  if (store.contains(name)) return;
  const InstanceInfo& info = provider(FBX_IFACE_SECRETS);
  if (info.name == asking.info.name)
    throw Error(Errc::not_found,
                fmt::format("the secret \"{}\" is asked for by its own provider", name));

  std::vector<std::string> names = needed;
  if (!holds(names, name)) names.push_back(name);
  const std::string request = boost::json::serialize(
      boost::json::object{{"names", boost::json::array(names.begin(), names.end())}});
  InstanceState& secrets = state(info.name);
  const auto* provider_table = static_cast<const fbx_secrets_v1*>(
      table(secrets, FBX_IFACE_SECRETS, sizeof(fbx_secrets_v1), context));
  ask(secrets, context, [&](fbx_op* op, fbx_sink out) {
    return provider_table->resolve(secrets.self, op, to_str(request), out);
  });
  if (!store.contains(name))
    throw Error(Errc::not_found,
                fmt::format("\"{}\" did not resolve the secret \"{}\"", info.name, name),
                "`fusebox secrets list` shows the names on offer");
}

const void* host_service(std::string_view id) {
  if (id == FBX_HOST_SECRET) return &kSecretTable;
  if (id == FBX_HOST_SERVICE) return &kServiceTable;
  if (id == FBX_HOST_PROCESS) return &kProcessTable;
  return nullptr;
}

}  // namespace fusebox::plugin
