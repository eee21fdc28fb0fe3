// SPDX-License-Identifier: Apache-2.0
#include "plugin/host.hpp"

#include "config/config.hpp"
#include "plugin/host_impl.hpp"
#include "plugin/library.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fusebox::plugin {

namespace {

constexpr std::size_t kMaxJsonDepth = 64;

[[noreturn]] void blame(const InstanceState& state, const std::string& what) {
  throw Error(Errc::internal, fmt::format("plugin \"{}\" {}", state.info.plugin->manifest.id, what),
              "this is a bug of that plugin: report it to its author");
}

config::Problem unknown_plugin(const config::PluginConfig& plugin, const Catalog& catalog) {
  for (const Rejected& rejected : catalog.rejected())
    if (rejected.id == plugin.use)
      return {plugin.origin,
              fmt::format("plugin \"{}\" cannot be used: {}", plugin.use, rejected.what),
              rejected.hint};
  std::vector<std::string> ids;
  for (const Found& found : catalog.all()) ids.push_back(found.manifest.id);
  const auto near = config::nearest(plugin.use, ids);
  return {
      plugin.origin, fmt::format("there is no plugin \"{}\"", plugin.use),
      near ? fmt::format("did you mean \"{}\"?", *near)
           : "`fusebox plugins list` shows what is installed; `use = \"<id>\"` names the plugin"};
}

std::string short_name(std::string_view interface_id) {
  constexpr std::string_view prefix = "fusebox.";
  if (!interface_id.starts_with(prefix)) return std::string(interface_id);
  interface_id.remove_prefix(prefix.size());
  return std::string(interface_id.substr(0, interface_id.find('/')));
}

}  // namespace

fbx_sink BoundedText::sink() {
  return {this, [](void* self, fbx_span bytes) -> std::int32_t {
            auto& text = *static_cast<BoundedText*>(self);
            if (bytes.len > text.limit_ - text.text_.size()) {
              text.overflowed_ = true;
              return FBX_NOMEM;
            }
            text.text_.append(view(bytes));
            return FBX_OK;
          }};
}

// ---- Instances ----------------------------------------------------------------------------------

Host::Host(const config::Config& config, const Catalog& catalog, secrets::Store& store,
           std::vector<config::Problem>& problems)
    : impl_(std::make_unique<Impl>(store)) {
  impl_->pins = PluginLock::read(config.dir / "plugins.lock");
  impl_->use = config.use;
  for (const config::PluginConfig& plugin : config.plugins) {
    const Found* found = catalog.find(plugin.use);
    if (found == nullptr) {
      problems.push_back(unknown_plugin(plugin, catalog));
      continue;
    }
    const Manifest& manifest = found->manifest;
    InstanceInfo info{plugin.instance, found, {}, manifest.secrets, {}};
    for (const std::string& id : manifest.offers)
      if (const auto use = config.use.find(short_name(id));
          use != config.use.end() && use->second == info.name)
        info.chosen.push_back(id);
    info.config = config::canonicalize(plugin.settings, manifest.config,
                                       fmt::format("[plugins.{}]", plugin.instance), problems);
    for (std::string& name : config::secret_names(info.config, manifest.config))
      if (std::find(info.secrets.begin(), info.secrets.end(), name) == info.secrets.end())
        info.secrets.push_back(std::move(name));
    InstanceState& state = impl_->states.emplace_back();
    boost::json::object context{{"instance", info.name},
                                {"stack", config.stack},
                                {"config_dir", config.dir.string()},
                                {"config_file", config.file.string()},
                                {"state_dir", (config.state_dir / "plugins" / info.name).string()},
                                {"config", info.config}};
    if (config.versions) context["versions"] = config.versions->string();
    if (!config.scratch.empty()) {
      context["scratch"] = config.scratch;
      context["live_state_dir"] = (config.live_state_dir / "plugins" / info.name).string();
    }
    state.context_json = boost::json::serialize(context);
    state.info = info;
    impl_->infos.push_back(std::move(info));
  }
}

Host::~Host() {
  for (InstanceState& state : impl_->states)
    if (state.self != nullptr) state.plugin->destroy(state.self);
}

bool InstanceInfo::provides_interface(std::string_view id) const {
  return plugin->manifest.provides_interface(id) ||
         std::find(chosen.begin(), chosen.end(), id) != chosen.end();
}

const std::vector<InstanceInfo>& Host::instances() const { return impl_->infos; }

const InstanceInfo* Host::find(std::string_view name) const {
  for (const InstanceInfo& info : impl_->infos)
    if (info.name == name) return &info;
  return nullptr;
}

const InstanceInfo& Host::provider(std::string_view interface_id) const {
  return impl_->provider(interface_id);
}

void Host::prepare(const std::string& instance, const CallContext& context) {
  impl_->ensure_created(impl_->state(instance), context);
}

void Host::needed_secrets(std::vector<std::string> names) {
  const std::lock_guard lock(impl_->resolve_mutex);
  impl_->needed = std::move(names);
}

InstanceState& Host::Impl::state(std::string_view instance) {
  for (InstanceState& state : states)
    if (state.info.name == instance) return state;
  throw Error(Errc::not_found, fmt::format("this stack has no plugin instance \"{}\"", instance),
              "`fusebox config show` lists the [plugins.*] of this stack");
}

const InstanceInfo& Host::Impl::provider(std::string_view interface_id) const {
  const std::string name = short_name(interface_id);
  std::vector<const InstanceInfo*> candidates;
  for (const InstanceInfo& info : infos)
    if (info.provides_interface(interface_id)) candidates.push_back(&info);

  if (const auto chosen = use.find(name); chosen != use.end()) {
    for (const InstanceInfo* info : candidates)
      if (info->name == chosen->second) return *info;
    throw Error(Errc::config,
                fmt::format("[use] {} = \"{}\", but no such instance provides {}", name,
                            chosen->second, interface_id),
                "name one of the [plugins.*] that provides it");
  }
  if (candidates.empty()) {
    const auto offer = std::find_if(infos.begin(), infos.end(), [&](const InstanceInfo& info) {
      const auto& offers = info.plugin->manifest.offers;
      return std::find(offers.begin(), offers.end(), interface_id) != offers.end();
    });
    throw Error(
        Errc::not_found, fmt::format("nothing in this stack provides {}", interface_id),
        offer == infos.end()
            ? "add a [plugins.*] whose manifest provides it; `fusebox plugins list` shows which"
            : fmt::format("\"{0}\" offers it: --use {1}={0} for once, [use] {1} = \"{0}\" for good",
                          offer->name, name));
  }
  if (candidates.size() > 1)
    throw Error(Errc::config,
                fmt::format("both \"{}\" and \"{}\" provide {}", candidates[0]->name,
                            candidates[1]->name, interface_id),
                fmt::format("choose: [use] {} = \"{}\" in the config, or --use {}={}", name,
                            candidates[0]->name, name, candidates[0]->name));
  return *candidates.front();
}

void Host::Impl::ensure_created(InstanceState& state, const CallContext& context) {
  const std::lock_guard serial(state.mutex);
  if (state.self != nullptr) return;
  const Found& found = *state.info.plugin;
  pins.verify(found.manifest.id, found.library, found.manifest.file);
  const fbx_plugin& plugin = load_library(found);
  fbx_instance* self = nullptr;
  call(state, context, [&](fbx_op* op) {
    return plugin.create(&kHostTable, op, to_str(state.context_json), &self);
  });
  if (self == nullptr) blame(state, "said that it made an instance, but gave none");
  std::vector<std::string> ids = found.manifest.provides;
  ids.insert(ids.end(), found.manifest.offers.begin(), found.manifest.offers.end());
  for (const std::string& id : ids) {
    const void* table = plugin.get_interface(self, to_str(id));
    if (table == nullptr) {
      plugin.destroy(self);
      blame(state,
            fmt::format("says in its manifest that it provides {}, but has no table for it", id));
    }
    state.tables[id] = table;
  }
  state.plugin = &plugin;
  state.self = self;
}

const void* Host::Impl::table(InstanceState& state, std::string_view interface_id,
                              std::size_t min_size, const CallContext& context) {
  ensure_created(state, context);
  const auto found = state.tables.find(interface_id);
  if (found == state.tables.end())
    throw Error(Errc::unsupported,
                fmt::format("\"{}\" (plugin {}) does not provide {}", state.info.name,
                            state.info.plugin->manifest.id, interface_id));
  std::uint32_t size = 0;  // every table begins with its size
  std::copy_n(static_cast<const char*>(found->second), sizeof size, reinterpret_cast<char*>(&size));
  if (size < min_size)
    blame(state, fmt::format("has a table of {} bytes for {}, at least {} are needed", size,
                             interface_id, min_size));
  return found->second;
}

// ---- Calls --------------------------------------------------------------------------------------

fbx_op& Host::Impl::open_op(InstanceState& state, const CallContext& context) {
  const std::lock_guard lock(ops_mutex);
  return ops.emplace_back(*this, state, context);
}

void Host::Impl::finish(fbx_op& op, fbx_rc rc) {
  op.close();
  if (!op.violation.empty()) blame(op.instance, op.violation);
  if (rc == FBX_OK) return;
  if (rc < FBX_OK || rc > FBX_REFUSED)
    blame(op.instance, fmt::format("answered with {}, which is no result code", rc));
  if (!op.failure)
    blame(op.instance,
          fmt::format("failed ({}) without saying why", to_string(static_cast<Errc>(rc))));
  throw Error(static_cast<Errc>(rc), op.failure->what, op.failure->hint);
}

fbx_rc Host::Impl::flooded(fbx_op& op) {
  op.violation = fmt::format("wrote a result of more than {} MiB", kMaxResult >> 20U);
  return FBX_INTERNAL;
}

boost::json::object Host::Impl::parse_result(const InstanceState& state,
                                             const std::string& text) const {
  if (text.empty()) return {};
  boost::system::error_code ec;
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::value value = boost::json::parse(text, ec, {}, options);
  if (ec) blame(state, fmt::format("answered with something that is no JSON: {}", ec.message()));
  if (!value.is_object()) blame(state, "answered with JSON that is no object");
  redact(value);
  return std::move(value.get_object());
}

void Host::Impl::redact(boost::json::value& value) const {
  if (auto* text = value.if_string()) {
    std::string clean = redactor.redact(*text);
    if (clean != std::string_view(*text)) *text = clean;
  } else if (auto* list = value.if_array()) {
    for (boost::json::value& item : *list) redact(item);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) redact(member.value());
  }
}

}  // namespace fusebox::plugin
