// SPDX-License-Identifier: Apache-2.0
// What the host offers to plugins: secret values, and the services of other plugins.
#include "plugin/host_impl.hpp"
#include "plugin/process_service.hpp"

#include <fmt/format.h>
#include <fusebox/host.h>
#include <fusebox/observer.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>

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

template <auto Slot, class Table, class... Args>
fbx_rc forward(std::string_view interface_id, fbx_instance* self, fbx_op* op, Args... args) {
  return answer(op, [&] {
    InstanceState& provider = *reinterpret_cast<Proxy*>(self)->provider;
    const CallContext context = context_of(op);
    Host::Impl& host = op->host;
    const auto* table =
        static_cast<const Table*>(host.table(provider, interface_id, sizeof(Table), context));
    if (table->*Slot == nullptr)
      throw Error(Errc::unsupported, fmt::format("plugin \"{}\" lacks a function of {}",
                                                 provider.info.plugin->manifest.id, interface_id));
    host.call(provider, context,
              [&](fbx_op* inner) { return (table->*Slot)(provider.self, inner, args...); });
  });
}

template <auto Slot>
fbx_rc ask_runtime(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink out) {
  return forward<Slot, fbx_runtime_v1>(FBX_IFACE_RUNTIME, self, op, request, out);
}
template <auto Slot>
fbx_rc transfer_runtime(fbx_instance* self, fbx_op* op, fbx_str request, std::int32_t fd,
                        fbx_sink out) {
  return forward<Slot, fbx_runtime_v1>(FBX_IFACE_RUNTIME, self, op, request, fd, out);
}
fbx_rc exec_runtime(fbx_instance* self, fbx_op* op, fbx_str request, std::int32_t in,
                    std::int32_t out, std::int32_t err, fbx_sink result) {
  return forward<&fbx_runtime_v1::exec, fbx_runtime_v1>(FBX_IFACE_RUNTIME, self, op, request, in,
                                                        out, err, result);
}

constexpr fbx_runtime_v1 kRuntimeProxy = {sizeof(fbx_runtime_v1),
                                          0,
                                          ask_runtime<&fbx_runtime_v1::services>,
                                          ask_runtime<&fbx_runtime_v1::endpoint>,
                                          exec_runtime,
                                          ask_runtime<&fbx_runtime_v1::logs>,
                                          ask_runtime<&fbx_runtime_v1::stats>,
                                          ask_runtime<&fbx_runtime_v1::volumes>,
                                          transfer_runtime<&fbx_runtime_v1::volume_export>,
                                          transfer_runtime<&fbx_runtime_v1::volume_import>};

fbx_rc service_open(fbx_op* op, fbx_str id_raw, const void** table, fbx_instance** self) {
  return answer(op, [&] {
    const std::string_view id = view(id_raw);
    const Manifest& manifest = op->instance.info.plugin->manifest;
    if (!holds(manifest.requires_, id) && !holds(manifest.wants, id))
      throw Error(
          Errc::denied,
          fmt::format("plugin \"{}\" asked for {}, which its manifest neither requires nor wants",
                      manifest.id, id));
    if (id != FBX_IFACE_RUNTIME)
      throw Error(Errc::unsupported, fmt::format("this fusebox cannot hand out {}", id));
    *self = reinterpret_cast<fbx_instance*>(&op->host.state(op->host.provider(id).name).proxy);
    *table = &kRuntimeProxy;
  });
}

constexpr fbx_host_service_v1 kServiceTable = {sizeof(fbx_host_service_v1), 0, service_open};

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
