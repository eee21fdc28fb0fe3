// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"
#include "cli/generations.hpp"
#include "cli/groups.hpp"
#include "cli/json_fields.hpp"
#include "cli/phase_runner.hpp"
#include "config/config.hpp"
#include "plugin/host.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "util/clock.hpp"
#include "util/error.hpp"
#include "util/fd.hpp"
#include "util/terminal.hpp"

#include <fmt/format.h>
#include <fusebox/store.h>
#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <filesystem>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

// "20261124T020000Z-7f3a"
bool is_generation_name(std::string_view text) {
  return text.size() == 21 && text[8] == 'T' && text.substr(15, 2) == "Z-";
}

std::string wanted_generation(const Context& context) {
  const auto& words = context.args().positionals;
  return words.empty() ? "latest" : words.front();
}

// The counts of a source in a few words: "12 tables, 4711 rows"; "3 keys".
std::string counts_text(const json::object& source) {
  const auto& counts = object_field(source, "counts");
  if (counts.size() > 3) {
    std::int64_t sum = 0;
    for (const auto& [name, value] : counts) sum += int_field(counts, name);
    return fmt::format("{} rows in {} tables", sum, counts.size());
  }
  std::string text;
  for (const auto& [name, value] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", std::string_view(name),
                        int_field(counts, name));
  return text;
}

// A phase of one step: `verb` of the instance that makes generations.
int run_verb(Context& context, const std::string& verb, config::Table with) {
  config::StepConfig step;
  step.instance = generation_maker(context, verb).name;
  step.verb = verb;
  step.origin.source = "the command line";
  step.with = {std::move(with), step.origin};
  config::PhaseConfig phase;
  phase.name = context.args().command;
  phase.groups.push_back({step});
  phase.on_failure = config::OnFailure::stop;
  phase.origin = step.origin;
  context.replace_phase(std::move(phase));
  return execute_phase(context, context.args().command);
}

// Standard output for the bytes alone: what is told goes to standard error meanwhile. Returns a
// name for it that any process of this run can open.
std::string take_stdout(Context& context) {
  if (util::is_tty(STDOUT_FILENO))
    throw Error(Errc::argument, "an archive is nothing for a terminal",
                "name a file, or pipe it on: fusebox backup export latest - | ...");
  context.out().flush();
  const int taken = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (taken < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    throw system_error("duplicate", "standard output", errno);
  return fmt::format("/dev/fd/{}", taken);
}

std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

int list_backups(Context& context) {
  const auto answer = list_generations(context);
  Output& out = context.out();
  if (out.is_json()) {
    out.json(answer);
    return run::to_int(run::ExitCode::ok);
  }
  const auto table = generation_table(context, answer, Rows::plain);
  if (table.empty())
    out.note("there is no generation yet: `fusebox backup create` makes one");
  else
    out.write(table);
  for (const auto& name : texts_field(answer, "interrupted"))
    out.note(
        fmt::format("{} was interrupted, is no generation, and goes with the next backup", name));
  out.note(fmt::format("in {}, {} free", text_field(answer, "where"), size_text(answer, "free")));
  return run::to_int(run::ExitCode::ok);
}

int show_backup(Context& context) {
  const auto one = find_generation(context, wanted_generation(context));
  Output& out = context.out();
  if (out.is_json()) {
    out.json(one);
    return run::to_int(run::ExitCode::ok);
  }
  const auto& manifest = object_field(one, "manifest");
  out.print("{}  {}  {} stored\n", text_field(one, "generation"), text_field(one, "time"),
            size_text(one, "stored_bytes"));
  if (const auto text = remark(context, one); !text.empty()) out.print("{}\n", text);
  out.write("\n");
  report::Table table({"SOURCE", "VERSION", "FILE", "DATA", "STORED", "COUNTS"});
  table.align(3, report::Align::right).align(4, report::Align::right);
  for (const json::object& source : objects_field(manifest, "sources"))
    table.add({text_field(source, "name"), text_field(source, "version"),
               text_field(source, "file"), size_text(source, "bytes"),
               size_text(source, "stored_bytes"), counts_text(source)});
  out.write(table.str());
  return run::to_int(run::ExitCode::ok);
}

int create_backup(Context& context) {
  for (const char* option : {"note", "pin"})
    if (const auto value = context.args().value(option))
      give_option(context, "backup", option, {*value, {"the command line"}});
  return execute_phase(context, "backup");
}

int verify_backup(Context& context) {
  config::Table with;
  const config::Origin origin{"the command line"};
  with.set("generation", {wanted_generation(context), origin});
  if (context.args().has("hashes-only")) with.set("hashes_only", {true, origin});
  return run_verb(context, "verify", std::move(with));
}

int prune_backups(Context& context) { return run_verb(context, "prune", {}); }

int pin_backup(Context& context) {
  const auto& words = context.args().positionals;
  const json::value why = words.size() == 2 ? json::value(words[1]) : json::value(nullptr);
  const auto name = text_field(find_generation(context, words.front()), "generation");
  const auto answer =
      ask_store(context, &plugin::Host::store_pin, {{"generation", name}, {"pin", why}}, "pin");
  if (context.out().is_json())
    context.out().json(answer);
  else
    context.out().note(fmt::format("{} {}", text_field(answer, "generation"),
                                   why.is_null() ? "may be pruned again" : "is pinned"));
  return run::to_int(run::ExitCode::ok);
}

int export_backup(Context& context) {
  auto words = context.args().positionals;
  // A single argument that names no generation names the file.
  if (words.size() == 1 && words[0] != "latest" && !is_generation_name(words[0]))
    words.insert(words.begin(), "latest");
  const auto name =
      text_field(find_generation(context, words.empty() ? "latest" : words[0]), "generation");
  const auto file =
      words.size() == 2 ? words[1] : fmt::format("{}-{}.tar", context.config().stack, name);
  const config::Origin origin{"the command line"};
  config::Table with;
  with.set("generation", {name, origin});
  const bool to_stdout = file == "-" && !context.args().has("dry-run");
  with.set("file", {to_stdout ? take_stdout(context) : absolute_path(file), origin});
  return run_verb(context, "export", std::move(with));
}

int import_backup(Context& context) {
  const Arguments& arguments = context.args();
  const config::Origin origin{"the command line"};
  config::Table with;
  with.set("file", {absolute_path(arguments.positionals.front()), origin});
  config::List map;
  for (const auto& pair : arguments.values("map")) map.push_back({pair, origin});
  with.set("map", {std::move(map), origin});
  for (const char* option : {"note", "pin"})
    if (const auto value = arguments.value(option)) with.set(option, {*value, origin});
  return run_verb(context, "import", std::move(with));
}

}  // namespace fusebox::cli
