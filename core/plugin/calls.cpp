// SPDX-License-Identifier: Apache-2.0
// The typed calls: each finds its table, hands over the request and reads the answer.
#include "plugin/host_impl.hpp"
#include "plugin/interfaces.hpp"

#include <fmt/format.h>

namespace fusebox::plugin {

using boost::json::object;

namespace {

// One instance's table, and the call that is to be made through it.
template <class Table>
class Target {
 public:
  Target(Host::Impl& host, const std::string& instance, const CallContext& context)
      : host_(host),
        context_(context),
        state_(host.state(instance)),
        table_(*static_cast<const Table*>(
            host.table(state_, kInterface<Table>, sizeof(Table), context))) {}

  // Calls `slot` with the request, what it needs besides, and a sink for its JSON answer.
  template <class... Params, class... Extra>
  object ask(fbx_rc (*Table::*slot)(fbx_instance*, fbx_op*, fbx_str, Params...),
             const object& request, Extra... extra) {
    const auto call = function(slot);
    const std::string text = boost::json::serialize(request);
    return host_.ask(state_, context_, [&](fbx_op* op, fbx_sink out) {
      return call(state_.self, op, to_str(text), extra..., out);
    });
  }

  // As ask(), for an answer that is not one JSON object.
  void stream(fbx_rc (*Table::*slot)(fbx_instance*, fbx_op*, fbx_str, fbx_sink),
              const object& request, fbx_sink out) {
    const auto call = function(slot);
    const std::string text = boost::json::serialize(request);
    host_.call(state_, context_,
               [&](fbx_op* op) { return call(state_.self, op, to_str(text), out); });
  }

  void tell(fbx_rc (*Table::*slot)(fbx_instance*, fbx_op*, fbx_str), std::string_view text) {
    const auto call = function(slot);
    host_.call(state_, context_, [&](fbx_op* op) { return call(state_.self, op, to_str(text)); });
  }

 private:
  template <class Slot>
  auto function(Slot slot) const {
    if (table_.*slot == nullptr)
      throw Error(Errc::unsupported,
                  fmt::format("plugin \"{}\" lacks a function of {}",
                              state_.info.plugin->manifest.id, kInterface<Table>),
                  "use a plugin that provides all of it");
    return table_.*slot;
  }

  Host::Impl& host_;
  const CallContext& context_;
  InstanceState& state_;
  const Table& table_;
};

using StepCall = Target<fbx_step_v1>;
using SecretsCall = Target<fbx_secrets_v1>;
using RuntimeCall = Target<fbx_runtime_v1>;
using StoreCall = Target<fbx_store_v1>;
using ObserverCall = Target<fbx_observer_v1>;

object names_request(const std::vector<std::string>& names) {
  return {{"names", boost::json::array(names.begin(), names.end())}};
}

// Cuts a stream into lines, as they come.
struct Lines {
  const std::function<void(std::string_view)>& on_line;
  const secrets::Redactor& redactor;
  std::string rest;

  std::int32_t take(std::string_view bytes) {
    if (bytes.size() > Host::Impl::kMaxResult - rest.size()) return FBX_NOMEM;
    rest.append(bytes);
    std::size_t begin = 0;
    for (std::size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1)
      on_line(redactor.redact(std::string_view(rest).substr(begin, end - begin)));
    rest.erase(0, begin);
    return FBX_OK;
  }
};

}  // namespace

object Host::plan(const std::string& instance, const object& request, const CallContext& context) {
  return StepCall(*impl_, instance, context).ask(&fbx_step_v1::plan, request);
}
object Host::run(const std::string& instance, const object& request, const CallContext& context) {
  return StepCall(*impl_, instance, context).ask(&fbx_step_v1::run, request);
}
object Host::undo(const std::string& instance, const object& request, const CallContext& context) {
  return StepCall(*impl_, instance, context).ask(&fbx_step_v1::undo, request);
}

object Host::secrets_list(const std::string& instance, const CallContext& context) {
  return SecretsCall(*impl_, instance, context).ask(&fbx_secrets_v1::list, {});
}
object Host::secrets_resolve(const std::string& instance, const std::vector<std::string>& names,
                             const CallContext& context) {
  return SecretsCall(*impl_, instance, context).ask(&fbx_secrets_v1::resolve, names_request(names));
}
object Host::secrets_check(const std::string& instance, const CallContext& context) {
  return SecretsCall(*impl_, instance, context).ask(&fbx_secrets_v1::check, {});
}
std::string Host::secrets_template(const std::string& instance,
                                   const std::vector<std::string>& names,
                                   const CallContext& context) {
  BoundedText out(Impl::kMaxResult);
  SecretsCall(*impl_, instance, context)
      .stream(&fbx_secrets_v1::template_text, names_request(names), out.sink());
  return impl_->redactor.redact(out.text());
}

object Host::services(const std::string& instance, const object& request,
                      const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::services, request);
}
object Host::endpoint(const std::string& instance, const object& request,
                      const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::endpoint, request);
}
object Host::stats(const std::string& instance, const object& request, const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::stats, request);
}
object Host::volumes(const std::string& instance, const object& request,
                     const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::volumes, request);
}
object Host::exec(const std::string& instance, const object& request, int in, int out, int err,
                  const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::exec, request, in, out, err);
}
void Host::logs(const std::string& instance, const object& request,
                const std::function<void(std::string_view)>& on_line, const CallContext& context) {
  Lines lines{on_line, impl_->redactor, {}};
  const fbx_sink sink{&lines, [](void* self, fbx_span bytes) -> std::int32_t {
                        return static_cast<Lines*>(self)->take(view(bytes));
                      }};
  RuntimeCall(*impl_, instance, context).stream(&fbx_runtime_v1::logs, request, sink);
}
object Host::volume_export(const std::string& instance, const object& request, int fd,
                           const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::volume_export, request, fd);
}
object Host::volume_import(const std::string& instance, const object& request, int fd,
                           const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::volume_import, request, fd);
}
object Host::volume_stage(const std::string& instance, const object& request, int fd,
                          const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::volume_stage, request, fd);
}
object Host::volume_turn(const std::string& instance, const object& request,
                         const CallContext& context) {
  return RuntimeCall(*impl_, instance, context).ask(&fbx_runtime_v1::volume_turn, request);
}

object Host::store_list(const std::string& instance, const object& request,
                        const CallContext& context) {
  return StoreCall(*impl_, instance, context).ask(&fbx_store_v1::list, request);
}
object Host::store_pin(const std::string& instance, const object& request,
                       const CallContext& context) {
  return StoreCall(*impl_, instance, context).ask(&fbx_store_v1::pin, request);
}

void Host::observe(const std::string& instance, std::string_view event_json,
                   const CallContext& context) {
  ObserverCall(*impl_, instance, context).tell(&fbx_observer_v1::event, event_json);
}

}  // namespace fusebox::plugin
