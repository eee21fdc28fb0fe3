// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/paths.hpp"
#include "config/config.hpp"
#include "config/config_error.hpp"
#include "plugin/host.hpp"
#include "plugin/trust.hpp"
#include "run/exit_code.hpp"
#include "run/lock.hpp"
#include "run/recover.hpp"
#include "secrets/store.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/subprocess.hpp"

#include <fmt/format.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <boost/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <map>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;

enum class Verdict { ok, warn, fail };

// One line per thing that was looked at.
class Report {
 public:
  explicit Report(Output& output) : output_(output) {}

  void add(Verdict verdict, std::string_view what, const std::string& evidence,
           const std::string& remedy = {}) {
    worst_ = std::max(worst_, verdict);
    const std::string_view word = verdict == Verdict::ok     ? "ok"
                                  : verdict == Verdict::warn ? "warn"
                                                             : "fail";
    if (output_.is_json()) {
      output_.json(boost::json::object{
          {"check", what}, {"verdict", word}, {"evidence", evidence}, {"remedy", remedy}});
      return;
    }
    if (output_.is_quiet() && verdict == Verdict::ok) return;
    const auto color = verdict == Verdict::ok     ? Color::green
                       : verdict == Verdict::warn ? Color::yellow
                                                  : Color::red;
    output_.print("{}  {:15} {}\n", output_.paint(color, fmt::format("{:4}", word)), what,
                  evidence);
    if (!remedy.empty()) output_.print("      {:15} hint: {}\n", "", remedy);
  }

  // Runs `body`; what it throws is a verdict too.
  template <class Body>
  void attempt(std::string_view what, Verdict on_error, Body body) {
    try {
      body();
    } catch (const Error& error) {
      add(on_error, what, error.what(), error.hint());
    } catch (const fs::filesystem_error& error) {
      add(on_error, what, error.what());
    }
  }

  Verdict worst() const { return worst_; }

 private:
  Output& output_;
  Verdict worst_ = Verdict::ok;
};

void check_program(Report& report) {
  const auto self = executable();
  report.attempt("program", Verdict::fail, [&] {
    plugin::check_trusted(self);
    report.add(Verdict::ok, "program", fmt::format("{} ({})", self.string(), FUSEBOX_VERSION));
  });
}

void check_plugins(Context& context, Report& report) {
  report.attempt("plugins", Verdict::fail, [&] {
    const auto& catalog = context.catalog();
    for (const auto& dir : context.plugin_dirs()) {
      report.add(Verdict::ok, "plugin folder",
                 fmt::format("{}{}", dir.string(), fs::exists(dir) ? "" : " (not there)"));
    }
    const auto count = catalog.all().size();
    report.add(count > 0 ? Verdict::ok : Verdict::fail, "plugins", fmt::format("{} found", count),
               count > 0 ? "" : "install fusebox whole, or name a folder with --plugin-dir");
    for (const auto& rejected : catalog.rejected()) {
      report.add(Verdict::warn, "plugin", fmt::format("{}: {}", rejected.id, rejected.what),
                 rejected.hint);
    }
    if (!context.config_file()) return;
    const auto lock = plugin::PluginLock::read(context.config().dir / "plugins.lock");
    for (const auto& found : catalog.all()) {
      if (lock.pins().count(found.manifest.id) == 0) continue;
      report.attempt("plugin pin", Verdict::fail,
                     [&] { lock.verify(found.manifest.id, found.library, found.manifest.file); });
    }
    if (!lock.pins().empty())
      report.add(Verdict::ok, "plugin pins", fmt::format("{} in plugins.lock", lock.pins().size()));
  });
}

// Programs that plugins of this stack (without one: all) say they run.
void check_programs(Context& context, Report& report, bool stack_known) {
  std::map<std::string, std::string> wanted;
  const auto want = [&](const plugin::Manifest& manifest) {
    for (const auto& program : manifest.programs) wanted.emplace(program, manifest.id);
  };
  if (stack_known) {
    for (const auto& instance : context.host().instances()) want(instance.plugin->manifest);
  } else {
    report.attempt("programs", Verdict::warn, [&] {
      for (const auto& found : context.catalog().all()) want(found.manifest);
    });
  }
  for (const auto& [program, plugin] : wanted) {
    const auto file = util::find_program(program);
    report.add(file ? Verdict::ok : Verdict::warn, "program",
               file ? fmt::format("{} for {}", file->string(), plugin)
                    : fmt::format("{} is not in PATH; {} runs it", program, plugin),
               file ? "" : fmt::format("install {}, or add its folder to PATH", program));
  }
}

bool check_config_file(Context& context, Report& report) {
  bool usable = false;
  const auto file = context.config_file();
  if (!file) {
    report.add(Verdict::warn, "configuration", "no fusebox.toml here or in a folder above",
               "go to the stack's folder, or use -c FILE");
    return false;
  }
  try {
    context.config();
    context.host();
    usable = true;
    report.add(Verdict::ok, "configuration",
               fmt::format("{} (stack {})", file->string(), context.config().stack));
  } catch (const config::ConfigError& error) {
    report.add(Verdict::fail, "configuration",
               fmt::format("{} problems; the first: {}", error.problems().size(),
                           error.problems().front().str()),
               "fusebox config check");
  } catch (const Error& error) {
    report.add(Verdict::fail, "configuration", error.what(), error.hint());
  }
  return usable;
}

void check_state(Context& context, Report& report) {
  const auto& dir = context.config().state_dir;
  struct stat info = {};
  if (stat(dir.c_str(), &info) != 0) {
    report.add(Verdict::ok, "state folder",
               fmt::format("{} (made by the first run)", dir.string()));
  } else if (info.st_uid != geteuid()) {
    report.add(Verdict::fail, "state folder",
               fmt::format("{} belongs to another user", dir.string()),
               "run fusebox as the user who deployed the stack");
  } else if ((info.st_mode & 077U) != 0) {
    report.add(
        Verdict::warn, "state folder",
        fmt::format("{} is open to others (mode {:04o})", dir.string(), info.st_mode & 07777U),
        fmt::format("chmod 700 {}", dir.string()));
  } else {
    report.add(Verdict::ok, "state folder", dir.string());
  }
  auto existing = dir;
  while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  constexpr std::uint64_t low = 1ULL << 30U;
  const auto free = fs::space(existing).available;
  report.add(free < low ? Verdict::warn : Verdict::ok, "free space",
             fmt::format("{} at {}", util::human_size(free), existing.string()),
             free < low ? "make room: journals, logs and data need it" : "");
}

void check_runs(Context& context, Report& report) {
  const auto& dir = context.config().state_dir;
  if (const auto holder = run::lock_holder(dir)) {
    report.add(Verdict::warn, "lock",
               fmt::format("{} is running (process {}, since {})", holder->what, holder->pid,
                           holder->since),
               "wait for it");
  } else {
    report.add(Verdict::ok, "lock", "free");
  }
  for (const auto& run : run::list_runs(dir)) {
    if (!run.problem.empty())
      report.add(Verdict::warn, "journal", run.problem,
                 fmt::format("look at {}", run.file.string()));
    if (run.open())
      report.add(Verdict::fail, "open run",
                 fmt::format("{} of {} was interrupted", run.id, run.phase), "fusebox recover");
  }
}

void check_memory(Report& report) {
  const secrets::Store store;
  rlimit limit = {};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const auto text =
      limit.rlim_cur == RLIM_INFINITY ? std::string("no limit") : util::human_size(limit.rlim_cur);
  report.add(store.locked() ? Verdict::ok : Verdict::warn, "locked memory",
             fmt::format("{} ({})",
                         store.locked() ? "secrets stay out of swap"
                                        : "the system refused: secrets might be swapped out",
                         text),
             store.locked() ? "" : "raise `ulimit -l`, or encrypt the swap space");
  secrets::harden_process();
  getrlimit(RLIMIT_CORE, &limit);
  report.add(limit.rlim_cur == 0 ? Verdict::ok : Verdict::warn, "core dumps",
             limit.rlim_cur == 0 ? "off while fusebox runs" : "on",
             limit.rlim_cur == 0 ? "" : "ulimit -c 0");
}

void check_providers(Context& context, Report& report) {
  const std::pair<std::string_view, std::string_view> kinds[] = {{"runtime", FBX_IFACE_RUNTIME},
                                                                 {"secrets", FBX_IFACE_SECRETS}};
  for (const auto& [kind, id] : kinds) {
    try {
      report.add(Verdict::ok, kind, context.host().provider(id).name);
    } catch (const Error& error) {
      report.add(error.code() == Errc::not_found ? Verdict::warn : Verdict::fail, kind,
                 error.what(), error.hint());
    }
  }
}

}  // namespace

int doctor(Context& context) {
  Report report(context.out());
  check_program(report);
  const bool usable = check_config_file(context, report);
  check_plugins(context, report);
  check_programs(context, report, usable);
  check_memory(report);
  if (usable) {
    check_providers(context, report);
    report.attempt("state folder", Verdict::fail, [&] { check_state(context, report); });
    report.attempt("runs", Verdict::fail, [&] { check_runs(context, report); });
  }
  return run::to_int(report.worst() == Verdict::fail ? run::ExitCode::unhealthy
                                                     : run::ExitCode::ok);
}

}  // namespace fusebox::cli
