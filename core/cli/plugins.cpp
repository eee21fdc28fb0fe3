// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/plugin_lookup.hpp"
#include "cli/schema_view.hpp"
#include "config/config.hpp"
#include "plugin/catalog.hpp"
#include "plugin/trust.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int fine = run::to_int(run::ExitCode::ok);

// The lock beside the stack's file; an empty one without a stack.
plugin::PluginLock read_lock(Context& context) {
  return context.config_file() ? plugin::PluginLock::read(context.config().dir / "plugins.lock")
                               : plugin::PluginLock();
}

// "pinned", "changed" (pinned, and not what it was), or "owner": trusted by whom its files belong
// to.
std::string trust_of(const plugin::PluginLock& lock, const plugin::Found& found) {
  if (lock.pins().count(found.manifest.id) == 0) return "owner";
  try {
    lock.verify(found.manifest.id, found.library, found.manifest.file);
    return "pinned";
  } catch (const Error&) {
    return "changed";
  }
}

json::object to_json(const plugin::Found& found, const std::string& trust) {
  const auto& manifest = found.manifest;
  return {{"id", manifest.id},
          {"version", manifest.version},
          {"summary", manifest.summary},
          {"provides", json::value_from(manifest.provides)},
          {"offers", json::value_from(manifest.offers)},
          {"trust", trust},
          {"library", found.library.string()},
          {"manifest", manifest.file.string()}};
}

void list_as_json(Context& context, const plugin::PluginLock& lock) {
  json::array plugins;
  for (const auto& found : context.catalog().all())
    plugins.push_back(to_json(found, trust_of(lock, found)));
  json::array rejected;
  for (const auto& one : context.catalog().rejected()) {
    rejected.push_back(
        {{"id", one.id}, {"file", one.file.string()}, {"what", one.what}, {"hint", one.hint}});
  }
  json::array dirs;
  for (const auto& dir : context.plugin_dirs()) dirs.emplace_back(dir.string());
  context.out().json(json::object{{"plugins", std::move(plugins)},
                                  {"rejected", std::move(rejected)},
                                  {"searched", std::move(dirs)}});
}

void print_list(Output& out, std::string_view title, const std::vector<std::string>& items) {
  if (!items.empty()) out.print("{:9} {}\n", title, fmt::join(items, ", "));
}

void print_verbs(Output& out, const plugin::Manifest& manifest) {
  if (manifest.verbs.empty()) return;
  out.print("\n{}\n", out.paint(Color::bold, "Verbs"));
  for (const auto& [name, verb] : manifest.verbs) {
    const auto* effect = verb.effect == plugin::Effect::none ? "no effect"
                         : verb.undo                         ? "can be undone"
                                                             : "cannot be undone";
    const auto limit = verb.timeout.count() > 0
                           ? fmt::format(", at most {}", util::human_duration(verb.timeout))
                           : "";
    out.print("  {}: {} ({}{})\n", name, verb.summary, effect, limit);
    out.write(schema_text(verb.options, 4));
  }
}

std::vector<std::string> named_or_all(Context& context) {
  auto ids = context.args().positionals;
  if (ids.empty()) {
    for (const auto& found : context.catalog().all()) ids.push_back(found.manifest.id);
  }
  return ids;
}

}  // namespace

const plugin::Found& find_plugin(const plugin::Catalog& catalog, const std::string& id) {
  if (const auto* found = catalog.find(id)) return *found;
  std::vector<std::string> ids;
  for (const auto& found : catalog.all()) ids.push_back(found.manifest.id);
  for (const auto& rejected : catalog.rejected()) {
    if (rejected.id == id)
      throw Error(Errc::not_found, fmt::format("plugin {} is refused: {}", id, rejected.what),
                  rejected.hint);
  }
  const auto near = config::nearest(id, ids);
  throw Error(Errc::not_found, fmt::format("there is no plugin \"{}\"", id),
              near ? fmt::format("did you mean {}?", *near)
                   : "`fusebox plugins list` shows all, and where is searched");
}

int list_plugins(Context& context) {
  const auto lock = read_lock(context);
  Output& out = context.out();
  if (out.is_json()) {
    list_as_json(context, lock);
    return fine;
  }
  const auto& catalog = context.catalog();
  report::Table table({"ID", "VERSION", "TRUST", "PROVIDES", "WHERE"});
  for (const auto& found : catalog.all()) {
    const auto trust = trust_of(lock, found);
    table.add({found.manifest.id, found.manifest.version,
               out.paint(trust == "changed" ? Color::red : Color::plain, trust),
               fmt::format("{}", fmt::join(found.manifest.provides, ", ")),
               found.library.parent_path().string()});
  }
  if (!table.empty()) out.write(table.str());
  for (const auto& rejected : catalog.rejected()) {
    out.warn(
        fmt::format("{} is refused: {}\n  hint: {}", rejected.id, rejected.what, rejected.hint));
  }
  if (table.empty() || out.is_verbose()) {
    std::string dirs;
    for (const auto& dir : context.plugin_dirs()) dirs += fmt::format("\n  {}", dir.string());
    out.note(fmt::format("{}searched, first to last:{}",
                         table.empty() ? "no plugin was found; " : "", dirs));
  }
  return fine;
}

int show_plugin(Context& context) {
  const auto& found = find_plugin(context.catalog(), context.args().positionals.front());
  const auto& manifest = found.manifest;
  Output& out = context.out();
  if (out.is_json()) {
    auto object = to_json(found, trust_of(read_lock(context), found));
    object["manifest_text"] = manifest.text;
    out.json(object);
    return fine;
  }
  out.print("{} {}: {}\n\n", out.paint(Color::bold, manifest.id), manifest.version,
            manifest.summary);
  out.print("{:9} {}\n{:9} {}\n", "license", manifest.license, "library", found.library.string());
  print_list(out, "provides", manifest.provides);
  print_list(out, "offers", manifest.offers);
  print_list(out, "requires", manifest.requires_);
  print_list(out, "wants", manifest.wants);
  print_list(out, "secrets", manifest.secrets);
  print_list(out, "programs", manifest.programs);
  print_verbs(out, manifest);
  if (!manifest.config.empty()) {
    out.print("\n{}\n{}",
              out.paint(Color::bold, fmt::format("Settings, in [plugins.{}]", manifest.id)),
              schema_text(manifest.config, 2));
  }
  for (const auto& command : manifest.commands) {
    out.print("\n{} fusebox {}: {}\n", out.paint(Color::bold, "Command"), command.name,
              command.summary);
  }
  return fine;
}

int trust_plugins(Context& context) {
  const auto file = context.config().dir / "plugins.lock";
  auto lock = plugin::PluginLock::read(file);
  const auto ids = named_or_all(context);
  for (const auto& id : ids) {
    const auto& found = find_plugin(context.catalog(), id);
    lock.pin(id, found.library, found.manifest.file);
  }
  lock.write(file);
  context.out().note(fmt::format("{} plugin{} pinned in {}", ids.size(), ids.size() == 1 ? "" : "s",
                                 file.string()));
  return fine;
}

int untrust_plugins(Context& context) {
  const auto file = context.config().dir / "plugins.lock";
  auto lock = plugin::PluginLock::read(file);
  for (const auto& id : context.args().positionals) {
    if (!lock.unpin(id))
      throw Error(Errc::not_found,
                  fmt::format("{} does not pin a plugin \"{}\"", file.string(), id),
                  "`fusebox plugins list` shows which are pinned");
  }
  lock.write(file);
  context.out().note(
      fmt::format("no longer pinned: {}", fmt::join(context.args().positionals, ", ")));
  return fine;
}

}  // namespace fusebox::cli
