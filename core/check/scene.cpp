// SPDX-License-Identifier: Apache-2.0
#define BOOST_DLL_USE_STD_FS
#include "check/scene.hpp"

#include "check/made_up.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <boost/dll/shared_library.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cstring>

namespace fusebox::check {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSymbol = "fusebox_plugin_entry_v1";

// Never unloaded: threads of the plugin may still be in it.
boost::dll::shared_library& library(const fs::path& file) {
  static auto& opened = *new boost::dll::shared_library(
      file.string(), boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  return opened;
}

std::set<std::string> allowed_secrets(const Subject& subject) {
  if (!subject.manifest) return {};
  std::set<std::string> names(subject.manifest->secrets.begin(), subject.manifest->secrets.end());
  names.insert(kSecretName);
  if (subject.settings)
    for (auto& name : config::secret_names(*subject.settings, subject.manifest->config))
      names.insert(std::move(name));
  return names;
}

std::set<std::string> allowed_programs(const Subject& subject) {
  if (!subject.manifest) return {};
  return {subject.manifest->programs.begin(), subject.manifest->programs.end()};
}

}  // namespace

Scene::Scene(const Subject& subject, fs::path folder, std::uint64_t seed)
    : subject_(subject),
      folder_(std::move(folder)),
      random_(seed),
      bench_(std::make_unique<Bench>(allowed_secrets(subject), allowed_programs(subject))) {}

const plugin::Manifest& Scene::manifest() const {
  if (!subject_.manifest) skip("needs a valid manifest, see manifest.valid");
  return *subject_.manifest;
}

bool Scene::provides(std::string_view interface_id) const {
  const auto& m = manifest();
  return m.provides_interface(interface_id) ||
         std::find(m.offers.begin(), m.offers.end(), interface_id) != m.offers.end();
}

const fbx_entry* Scene::entry() {
  auto& opened = library(subject_.library);
  return opened.has(kSymbol) ? &opened.get<const fbx_entry>(kSymbol) : nullptr;
}

const fbx_plugin& Scene::plugin() {
  manifest();
  const fbx_entry* found = nullptr;
  try {
    found = entry();
  } catch (const std::exception&) {
    skip("needs a library that loads, see entry.loads");
  }
  const bool sound = found != nullptr && found->magic == FBX_MAGIC &&
                     found->struct_size >= sizeof(fbx_entry) && found->plugin != nullptr &&
                     found->plugin->struct_size >= sizeof(fbx_plugin) &&
                     found->plugin->create != nullptr && found->plugin->destroy != nullptr &&
                     found->plugin->get_interface != nullptr;
  if (!sound) skip("needs a sound entry record, see the group entry");
  return *found->plugin;
}

std::string Scene::context_with(const json::object& settings, std::string_view instance) const {
  return json::serialize(
      json::object{{"instance", instance},
                   {"stack", "check"},
                   {"config_dir", (folder_ / "work").string()},
                   {"config_file", (folder_ / "work" / "fusebox.toml").string()},
                   {"state_dir", (folder_ / "state" / std::string(instance)).string()},
                   {"config", settings}});
}

std::string Scene::context(std::string_view instance) { return context_with(settings(), instance); }

json::object Scene::settings() {
  return subject_.settings ? *subject_.settings : plainest(manifest().config);
}
json::object Scene::random_settings() { return any(manifest().config, random_); }
json::object Scene::options(const plugin::Verb& verb) { return plainest(verb.options); }
json::object Scene::random_options(const plugin::Verb& verb) { return any(verb.options, random_); }

Scene::Created Scene::create(const std::string& context, const CallOptions& options,
                             const fbx_host* host) {
  const fbx_plugin& record = plugin();
  Created created;
  created.answer = bench_->call(options, [&](fbx_op* op, fbx_sink) {
    return record.create(host != nullptr ? host : bench_->host(), op, to_str(context),
                         &created.self);
  });
  return created;
}

Instance Scene::make(std::string_view name, const fbx_host* host) {
  const auto created = create(context(name), {}, host);
  if (created.answer.rc == FBX_CONFIG)
    skip(fmt::format("made-up settings do not do, name a stack's file with --config: {}",
                     created.answer.failure ? created.answer.failure->what : "no reason given"));
  if (created.answer.rc != FBX_OK || created.self == nullptr)
    skip("needs an instance, see life.create");
  return {plugin(), created.self};
}

const void* Scene::sound_table(const Instance& instance, std::string_view id,
                               std::size_t size) const {
  if (!provides(id)) skip(fmt::format("does not provide {}", id));
  const void* found = instance.find(id);
  std::uint32_t said = 0;
  if (found != nullptr) std::memcpy(&said, found, sizeof said);
  if (said < size) skip("needs a sound table, see the group interface");
  return found;
}

Answer Scene::ask(const Instance& instance, Slot slot, std::string_view request,
                  const CallOptions& options) {
  if (slot == nullptr) skip("needs every function, see interface.functions");
  return bench_->call(options, [&](fbx_op* op, fbx_sink sink) {
    return slot(instance.self(), op, to_str(request), sink);
  });
}
Answer Scene::ask(const Instance& instance, Slot slot, const json::object& request,
                  const CallOptions& options) {
  return ask(instance, slot, std::string_view(json::serialize(request)), options);
}
Answer Scene::ask(const Instance& instance, FdSlot slot, const json::object& request, int fd,
                  const CallOptions& options) {
  if (slot == nullptr) skip("needs every function, see interface.functions");
  const std::string text = json::serialize(request);
  return bench_->call(options, [&](fbx_op* op, fbx_sink sink) {
    return slot(instance.self(), op, to_str(text), fd, sink);
  });
}

json::object Scene::request(const plugin::Verb& verb, std::string_view run) {
  return {{"verb", verb.name},
          {"phase", "check"},
          {"run", run},
          {"with", options(verb)},
          {"secrets", json::array{}}};
}

std::vector<const plugin::Verb*> Scene::verbs_to_run() const {
  std::vector<const plugin::Verb*> verbs;
  for (const auto& [name, verb] : manifest().verbs)
    if (verb.effect == plugin::Effect::none || subject_.may_change) verbs.push_back(&verb);
  if (verbs.empty())
    skip(manifest().verbs.empty() ? "has no verbs"
                                  : "every verb changes something: --run lets them");
  return verbs;
}

// ---- Answers ------------------------------------------------------------------------------------

void require_sound(const Answer& answer, std::string_view what) {
  if (answer.rc < FBX_OK || answer.rc > FBX_REFUSED)
    fail(fmt::format("{} answered with {}, which is no result code", what, answer.rc));
  if (answer.rc == FBX_OK) return;
  if (!answer.failure)
    fail(fmt::format("{} ended with {} and did not call fail()", what, code_name(answer.rc)));
  if (answer.failure->what.empty())
    fail(fmt::format("{} ended with {} and an empty reason", what, code_name(answer.rc)));
}

std::optional<json::object> sound_object(const Answer& answer, std::string_view what) {
  require_sound(answer, what);
  if (answer.rc != FBX_OK) return std::nullopt;
  if (answer.text.empty()) return json::object{};
  boost::system::error_code ec;
  const auto value = json::parse(answer.text, ec);
  if (ec) fail(fmt::format("{} answered with no JSON: {}", what, ec.message()));
  if (!value.is_object()) fail(fmt::format("{} answered with JSON that is no object", what));
  return value.get_object();
}

std::string_view code_name(fbx_rc rc) {
  return rc == FBX_OK ? "ok" : to_string(static_cast<Errc>(rc));
}

}  // namespace fusebox::check
