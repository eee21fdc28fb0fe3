// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/plugin_lookup.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "plugin/library.hpp"
#include "run/exit_code.hpp"
#include "run/supervise.hpp"
#include "secrets/store.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// The folder and the id that the argument, a library's path or an id, stands for.
std::pair<fs::path, std::string> locate(Context& context, const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos || fs::path(name).has_extension();
  if (!is_path) {
    context.prepare(Needs::plugins);
    return {find_plugin(context.catalog(), name).library.parent_path(), name};
  }
  if (!fs::exists(name)) {
    throw Error(Errc::not_found, fmt::format("there is no file {}", name),
                "name the library, or the id of an installed plugin");
  }
  const auto library = fs::absolute(name).lexically_normal();
  auto manifest = library;
  manifest.replace_extension(".fusebox.toml");
  if (!fs::exists(manifest)) {
    throw Error(Errc::not_found, fmt::format("{} has no manifest beside it", name),
                fmt::format("put {} there", manifest.filename().string()));
  }
  return {library.parent_path(), library.stem().string()};
}

// Makes an instance with default settings, which proves that each interface of the manifest has its
// table. Returns why it cannot: settings that have no default.
std::vector<std::string> make_instance(const plugin::Catalog& catalog, const std::string& id) {
  config::Config config;
  config.stack = "check";
  config.dir = fs::current_path();
  config.state_dir = fs::temp_directory_path() / "fusebox-plugins-check";
  config.plugins.push_back({id, id, {config::Table{}, {"the defaults"}}, {"the defaults"}});
  secrets::Store store;
  std::vector<config::Problem> problems;
  plugin::Host host(config, catalog, store, problems);
  std::vector<std::string> reasons;
  for (const auto& problem : problems) reasons.push_back(problem.what);
  if (!reasons.empty()) return reasons;
  plugin::CallContext call;
  call.label = fmt::format("{} (create)", id);
  call.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  host.prepare(id, call);
  return {};
}

void print_verdict(Output& out, const plugin::Manifest& manifest,
                   const std::vector<std::string>& reasons) {
  if (out.is_json()) {
    out.json(json::object{{"ok", true},
                          {"id", manifest.id},
                          {"version", manifest.version},
                          {"instance_made", reasons.empty()},
                          {"needs", json::value_from(reasons)}});
    return;
  }
  out.print(
      "{} {}: nothing wrong was found\n  its manifest is valid, and no one else can change its "
      "files\n"
      "  the library loads, and its entry record is complete\n"
      "  the manifest inside the library is the one beside it\n",
      manifest.id, manifest.version);
  if (reasons.empty()) {
    out.print("  an instance was made, and has a table for {}\n",
              fmt::join(manifest.provides, ", "));
  } else {
    out.write("No instance was made, so its interfaces were not looked at:\n");
    for (const auto& reason : reasons) out.print("  {}\n", reason);
  }
  out.write("No verb was run.\n");
}

}  // namespace

int check_plugin(Context& context) {
  Output& out = context.out();
  const auto [dir, id] = locate(context, context.args().positionals.front());
  const auto catalog = plugin::Catalog::discover({dir});
  const auto& found = find_plugin(catalog, id);
  out.flush();
  // In a process of its own, since code that is only being looked at may do anything.
  return run::supervise(
      [&] {
        int code = run::to_int(run::ExitCode::ok);
        try {
          plugin::load_library(found);
          print_verdict(out, found.manifest, make_instance(catalog, id));
        } catch (const Error& error) {
          code = run::to_int(run::ExitCode::failed);
          out.error(error, code);
        }
        out.flush();
        return code;
      },
      [&](const run::CrashInfo& crash) -> int {
        throw Error(
            Errc::failed,
            fmt::format("plugin \"{}\" ended the process while it was loaded: {}", id, crash.str()),
            "run it under a debugger; its constructors and create() are all that ran");
      });
}

}  // namespace fusebox::cli
