// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/default_phases.hpp"
#include "cli/groups.hpp"
#include "cli/paths.hpp"
#include "cli/problems.hpp"
#include "config/config.hpp"
#include "config/config_error.hpp"
#include "config/render.hpp"
#include "plan/plan.hpp"
#include "plugin/host.hpp"
#include "plugin/trust.hpp"
#include "run/exit_code.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <functional>
#include <set>

namespace fusebox::cli {

namespace {

constexpr int fine = run::to_int(run::ExitCode::ok);

// Calls `body` and adds what is wrong to `problems`, once each: the same mistake shows up in
// every phase that it is part of.
bool collect(std::vector<config::Problem>& problems, std::string_view where,
             const std::function<void()>& body) {
  std::vector<config::Problem> found;
  try {
    body();
    return true;
  } catch (const config::ConfigError& error) {
    found = error.problems();
  } catch (const Error& error) {
    found.push_back({{std::string(where)}, error.what(), error.hint()});
  }
  for (auto& problem : found) {
    const bool known = std::any_of(problems.begin(), problems.end(),
                                   [&](const auto& other) { return other.str() == problem.str(); });
    if (!known) problems.push_back(std::move(problem));
  }
  return false;
}

// The phases of the file, and of those that every stack has the ones for which this one has the
// plugins.
std::set<std::string> all_phases(Context& context, std::vector<config::Problem>& problems) {
  std::set<std::string> names;
  for (const auto& phase : context.config().phases) names.insert(phase.name);
  for (const auto name : default_phase_names()) {
    collect(problems, fmt::format("phase {}", name), [&] {
      try {
        context.ensure_phase(name);
        names.emplace(name);
      } catch (const Error& error) {
        if (error.code() != Errc::not_found) throw;
      }
    });
  }
  return names;
}

std::vector<std::string> plan_all_phases(Context& context, std::vector<config::Problem>& problems) {
  std::vector<std::string> planned;
  for (const auto& name : all_phases(context, problems)) {
    const bool made = collect(problems, fmt::format("phase {}", name),
                              [&] { plan::make_plan(context.config(), context.host(), name, {}); });
    if (made) planned.push_back(name);
  }
  return planned;
}

template <class Change>
int change_trust(Context& context, std::string_view done, Change change) {
  const auto file = context.config_file();
  if (!file)
    throw Error(Errc::config, "no fusebox.toml here or in a folder above",
                "go to the stack's folder, or use -c FILE");
  const auto folder = std::filesystem::canonical(*file).parent_path();
  auto folders = plugin::TrustedFolders::read(trusted_folders_file());
  change(folders, folder);
  folders.write(trusted_folders_file());
  context.out().note(fmt::format("{} {}", folder.string(), done));
  return fine;
}

}  // namespace

void print_problems(Output& output, const std::vector<config::Problem>& problems, int exit_code) {
  for (const auto& problem : problems) {
    const auto where = problem.origin.str();
    if (output.is_json()) {
      output.json(boost::json::object{{"type", "error"},
                                      {"code", "config"},
                                      {"what", problem.what},
                                      {"hint", problem.hint},
                                      {"file", problem.origin.source},
                                      {"line", problem.origin.line},
                                      {"column", problem.origin.column},
                                      {"exit_code", exit_code}});
    } else {
      output.error(Error(Errc::config,
                         where.empty() ? problem.what : fmt::format("{}: {}", where, problem.what),
                         problem.hint),
                   exit_code);
    }
  }
}

int check_config(Context& context) {
  std::vector<config::Problem> problems;
  std::vector<std::string> planned;
  const auto file = context.config_file();
  if (!file) context.config();  // throws: there is nothing to check
  const bool loaded = collect(problems, file->string(), [&] { context.config(); });
  const bool hosted = loaded && collect(problems, file->string(), [&] { context.host(); });
  if (hosted) planned = plan_all_phases(context, problems);

  Output& out = context.out();
  if (!problems.empty()) {
    const int code = run::to_int(run::ExitCode::usage);
    print_problems(out, problems, code);
    out.note(fmt::format("{} problem{} in {}", problems.size(), problems.size() == 1 ? "" : "s",
                         file->string()));
    return code;
  }
  const auto instances = context.host().instances().size();
  if (out.is_json()) {
    out.json(boost::json::object{{"ok", true},
                                 {"file", context.config().file.string()},
                                 {"stack", context.config().stack},
                                 {"plugins", instances},
                                 {"phases", boost::json::value_from(planned)}});
  } else if (!out.is_quiet()) {
    const auto phases = planned.empty() ? std::string("no phase")
                                        : fmt::format("phases {}", fmt::join(planned, ", "));
    out.print("{} is fine: stack {}, {} plugin{}, {}\n", file->string(), context.config().stack,
              instances, instances == 1 ? "" : "s", phases);
  }
  return fine;
}

int show_config(Context& context) {
  const auto& root = context.config().root;
  if (context.out().is_json()) {
    context.out().json(boost::json::object{{"config", config::to_json(root)},
                                           {"origins", config::origins_json(root)}});
  } else {
    context.out().write(config::render_with_origins(root));
  }
  return fine;
}

int print_config_path(Context& context) {
  const auto& config = context.config();
  if (context.out().is_json()) {
    context.out().json(boost::json::object{{"file", config.file.string()},
                                           {"state_dir", config.state_dir.string()}});
  } else {
    context.out().print("file   {}\nstate  {}\n", config.file.string(), config.state_dir.string());
  }
  return fine;
}

int trust_folder(Context& context) {
  return change_trust(context, "may now name plugin folders",
                      [](auto& folders, const auto& folder) { folders.add(folder); });
}

int untrust_folder(Context& context) {
  return change_trust(context, "may no longer name plugin folders",
                      [](auto& folders, const auto& folder) { folders.remove(folder); });
}

}  // namespace fusebox::cli
