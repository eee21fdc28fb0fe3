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

#include <fmt/format.h>
#include <fusebox/store.h>
#include <boost/json.hpp>

namespace fusebox::cli {

namespace {

namespace json = boost::json;

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

}  // namespace fusebox::cli
