// SPDX-License-Identifier: Apache-2.0
#include "check/check.hpp"
#include "cli/context.hpp"
#include "cli/groups.hpp"
#include "cli/plugin_lookup.hpp"
#include "config/config.hpp"
#include "plugin/catalog.hpp"
#include "plugin/host.hpp"
#include "report/table.hpp"
#include "run/exit_code.hpp"
#include "secrets/store.hpp"
#include "util/error.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <map>
#include <random>

namespace fusebox::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using check::Outcome;

constexpr int kMostStrict = 10;

// The library that the argument, a path or an id, stands for.
fs::path locate(Context& context, const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos || fs::path(name).has_extension();
  if (!is_path) {
    context.prepare(Needs::plugins);
    return find_plugin(context.catalog(), name).library;
  }
  if (!fs::exists(name)) {
    throw Error(Errc::not_found, fmt::format("there is no file {}", name),
                "name the library, or the id of an installed plugin");
  }
  auto library = fs::absolute(name).lexically_normal();
  auto manifest = library;
  manifest.replace_extension(".fusebox.toml");
  if (!fs::exists(manifest)) {
    throw Error(Errc::not_found, fmt::format("{} has no manifest beside it", name),
                fmt::format("put {} there", manifest.filename().string()));
  }
  return library;
}

// The settings of the first instance of the plugin in the file that --config names.
std::optional<json::object> settings_of(Context& context, const check::Subject& subject) {
  if (!context.args().has("config") || !subject.manifest) return std::nullopt;
  const auto catalog = plugin::Catalog::discover({subject.library.parent_path()});
  for (const auto& instance : context.config().plugins) {
    if (instance.use != subject.manifest->id) continue;
    config::Config alone;
    alone.stack = context.config().stack;
    alone.dir = context.config().dir;
    alone.plugins.push_back(instance);
    secrets::Store store;
    std::vector<config::Problem> problems;
    const plugin::Host host(alone, catalog, store, problems);
    if (!problems.empty()) throw Error(Errc::config, problems.front().what, problems.front().hint);
    return host.find(instance.instance)->config;
  }
  throw Error(Errc::not_found,
              fmt::format("{} has no instance of the plugin {}", context.config().file.string(),
                          subject.manifest->id),
              "name a file that has one, or leave out --config for made-up settings");
}

check::Subject subject_of(Context& context, const std::string& name) {
  check::Subject subject;
  subject.library = locate(context, name);
  subject.manifest_file = subject.library;
  subject.manifest_file.replace_extension(".fusebox.toml");
  try {
    subject.manifest = plugin::read_manifest(subject.manifest_file);
  } catch (const std::exception& error) {
    subject.manifest_problem = error.what();
  }
  subject.settings = settings_of(context, subject);
  subject.may_change = context.args().has("run");
  return subject;
}

template <class Number>
std::optional<Number> number(const Arguments& arguments, std::string_view option, Number least,
                             Number most) {
  const auto text = arguments.value(option);
  if (!text) return std::nullopt;
  Number value{};
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc{} || end != text->data() + text->size() || value < least || value > most)
    throw Error(Errc::argument,
                fmt::format("--{} {} is not a number from {} to {}", option, *text, least, most));
  return value;
}

check::Options options_of(const Arguments& arguments) {
  check::Options options;
  options.strictness = number(arguments, "strictness", 1, kMostStrict).value_or(options.strictness);
  options.seed = number<std::uint32_t>(arguments, "seed", 0, ~std::uint32_t{0})
                     .value_or(std::random_device{}());
  options.limit = std::chrono::seconds(number(arguments, "limit", 1, 3600).value_or(20));
  options.only = arguments.values("only", Arguments::Commas::split);
  options.in_process = arguments.has("in-process");
  return options;
}

int list_checks(Output& out, const check::Options& options) {
  json::array objects;
  report::Table table({"CHECK", "STRICTNESS", "WHAT MUST HOLD"});
  for (const auto& check : options.only.empty() ? check::checks() : check::chosen(options)) {
    objects.push_back(
        {{"check", check.id}, {"strictness", check.strictness}, {"summary", check.summary}});
    table.add(
        {std::string(check.id), fmt::format("{}", check.strictness), std::string(check.summary)});
  }
  if (out.is_json())
    out.json(json::object{{"checks", std::move(objects)}});
  else
    out.write(table.str());
  return run::to_int(run::ExitCode::ok);
}

Color color_of(Outcome outcome) {
  if (outcome == Outcome::success) return Color::green;
  if (outcome == Outcome::warn) return Color::yellow;
  return outcome == Outcome::skip ? Color::dim : Color::red;
}

json::object to_json(const check::Report& report) {
  json::object object{{"check", report.check.id},
                      {"strictness", report.check.strictness},
                      {"summary", report.check.summary},
                      {"outcome", check::to_string(report.verdict.outcome)},
                      {"ms", report.took.count()}};
  if (!report.verdict.why.empty()) object["why"] = report.verdict.why;
  return object;
}

// Prints as the checks end, and counts.
class Results {
 public:
  Results(Output& out, bool all) : out_(out), all_(all) {}

  void take(const check::Report& report) {
    ++counts_[report.verdict.outcome];
    objects_.push_back(to_json(report));
    if (out_.is_json()) return;
    const auto outcome = report.verdict.outcome;
    const bool quiet = outcome == Outcome::success || outcome == Outcome::skip;
    if (quiet && !all_) return;
    out_.print("{} {:<24} {}\n",
               out_.paint(color_of(outcome), fmt::format("{:<7}", check::to_string(outcome))),
               report.check.id,
               report.verdict.why.empty() ? report.check.summary : report.verdict.why);
    out_.flush();
  }

  int finish(const check::Subject& subject, const check::Options& options) {
    const bool good = counts_[Outcome::fail] == 0 && counts_[Outcome::crash] == 0;
    const std::string id =
        subject.manifest ? subject.manifest->id : subject.library.stem().string();
    if (out_.is_json()) {
      json::object counts;
      for (const auto outcome :
           {Outcome::success, Outcome::warn, Outcome::fail, Outcome::crash, Outcome::skip})
        counts[check::to_string(outcome)] = counts_[outcome];
      out_.json(json::object{{"ok", good},
                             {"id", id},
                             {"library", subject.library.string()},
                             {"strictness", options.strictness},
                             {"seed", options.seed},
                             {"counts", std::move(counts)},
                             {"checks", std::move(objects_)}});
    } else {
      out_.print(
          "{}: {} passed, {} warned, {} failed, {} crashed, {} skipped (strictness {}, seed {})\n",
          id, counts_[Outcome::success], counts_[Outcome::warn], counts_[Outcome::fail],
          counts_[Outcome::crash], counts_[Outcome::skip], options.strictness, options.seed);
    }
    return run::to_int(good ? run::ExitCode::ok : run::ExitCode::failed);
  }

 private:
  Output& out_;
  bool all_;
  std::map<Outcome, int> counts_;
  json::array objects_;
};

}  // namespace

int check_plugin(Context& context) {
  const Arguments& arguments = context.args();
  const auto options = options_of(arguments);
  if (arguments.has("list")) return list_checks(context.out(), options);
  if (arguments.positionals.empty())
    throw Error(Errc::argument, "which plugin?",
                "usage: fusebox plugins check ID|LIBRARY; --list names the checks");
  const auto subject = subject_of(context, arguments.positionals.front());
  Results results(context.out(), context.out().is_verbose());
  context.out().flush();
  check::run_checks_on(subject, options,
                       [&](const check::Report& report) { results.take(report); });
  return results.finish(subject, options);
}

}  // namespace fusebox::cli
