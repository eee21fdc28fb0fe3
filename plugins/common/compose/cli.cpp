// SPDX-License-Identifier: Apache-2.0
#include "common/compose/cli.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <set>

#include "common/compose/lock_file.hpp"
#include "common/compose/scratch.hpp"
#include "common/result.hpp"

namespace fbx::compose {

namespace {

// A word that no secret is and that fits wherever a secret would: letters and digits, long enough.
// None is a part of another.
std::string placeholder(std::size_t index) {
  return fmt::format("fuseboxfuseboxfuseboxfusebox{:04}", index);
}

// Compose's own switches: what the configuration does not say, the shell must not say either.
constexpr std::array<const char*, 8> compose_switches = {
    "COMPOSE_FILE",           "COMPOSE_PROJECT_NAME",    "COMPOSE_PROFILES",
    "COMPOSE_ENV_FILES",      "COMPOSE_REMOVE_ORPHANS",  "COMPOSE_IGNORE_ORPHANS",
    "COMPOSE_PARALLEL_LIMIT", "COMPOSE_DISABLE_ENV_FILE"};

// Cuts what comes into lines.
class Lines {
 public:
  explicit Lines(OnLine on_line) : on_line_(std::move(on_line)) {}
  void append(std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n' && c != '\r') {
        line_.push_back(c);
      } else {
        end();
      }
    }
  }
  void end() {
    if (!line_.empty()) on_line_(line_);
    line_.clear();
  }

 private:
  OnLine on_line_;
  std::string line_;
};

// What a command under way has said: counts for the operator, keeps the last lines for an error.
class Narrator {
 public:
  explicit Narrator(const Op& op) : op_(op) {}

  void hear(std::string_view line) {
    constexpr std::size_t most = 40;
    said_.emplace_back(line);
    if (said_.size() > most) said_.pop_front();
    if (const auto progress = parse_progress(line)) return follow(*progress);
    const auto log = parse_log_line(line);
    if (!log) return op_.log(Level::debug, line);
    op_.log(log->level == "warning" ? Level::warn : Level::info, log->message);
  }

  std::vector<std::string> said() const { return {said_.begin(), said_.end()}; }

  // "waiting for langfuse-postgres-1", for a deadline's text.
  std::string under_way() const {
    std::vector<std::string> names(open_.begin(), open_.end());
    constexpr std::size_t most = 6;
    if (names.size() > most) names.resize(most);
    return fmt::format("{}", fmt::join(names, ", "));
  }

 private:
  void follow(const ProgressLine& progress) {
    const std::string key = progress.name;
    seen_.insert(key);
    if (is_done(progress.status))
      open_.erase(key);
    else
      open_.insert(key);
    op_.progress(seen_.size() - open_.size(), seen_.size(), "parts",
                 fmt::format("{} {}", progress.name, progress.status));
  }

  const Op& op_;
  std::deque<std::string> said_;
  std::set<std::string> seen_;
  std::set<std::string> open_;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  Lines cut([&](std::string_view line) { lines.emplace_back(line); });
  cut.append(text);
  cut.end();
  return lines;
}

std::string doing(const std::vector<std::string>& command,
                  const std::vector<std::string>& arguments) {
  return fmt::format("{} {}", fmt::join(command, " "), arguments.front());
}

}  // namespace

std::optional<Program> Memo::program() const {
  const std::lock_guard lock(mutex_);
  return program_;
}

void Memo::keep(const Program& program) {
  const std::lock_guard lock(mutex_);
  program_ = program;
}

std::shared_ptr<const LoadedModel> Memo::model(const std::string& stamp) const {
  const std::lock_guard lock(mutex_);
  return stamp == stamp_ ? model_ : nullptr;
}

void Memo::keep(const std::string& stamp, std::shared_ptr<const LoadedModel> model) {
  const std::lock_guard lock(mutex_);
  stamp_ = stamp;
  model_ = std::move(model);
}

Cli::Cli(const Op& op, const Settings& settings, docker::ChildEnvironment engine, Memo* memo)
    : op_(op), settings_(settings), engine_(std::move(engine)), memo_(memo) {}

const Program& Cli::program() {
  if (program_.command.empty() && memo_ != nullptr) program_ = memo_->program().value_or(program_);
  if (!program_.command.empty()) return program_;
  const std::array<std::vector<std::string>, 2> ways = {
      {{"docker", "compose"}, {"docker-compose"}}};
  std::vector<std::string> too_old;
  for (const auto& way : ways) {
    const std::string version = version_of(way);
    const auto number = parse_version(version);
    if (!number) continue;
    if (!(*number < oldest_compose)) {
      program_ = {way, version};
      if (memo_ != nullptr) memo_->keep(program_);
      return program_;
    }
    too_old.push_back(fmt::format("{} is {}", fmt::join(way, " "), version));
  }
  const std::string needed =
      fmt::format("Compose {}.{} or newer", oldest_compose.major, oldest_compose.minor);
  if (too_old.empty())
    throw Error(FBX_NOT_FOUND,
                fmt::format("Docker Compose is not installed: neither `docker compose` nor "
                            "`docker-compose` answers; {} is needed",
                            needed),
                "install the Compose plugin: https://docs.docker.com/compose/install/");
  throw Error(FBX_UNSUPPORTED,
              fmt::format("{}, but {} is needed", fmt::join(too_old, " and "), needed),
              "update the Compose plugin: https://docs.docker.com/compose/install/");
}

std::string Cli::version_of(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  words.insert(words.end(), {"version", "--short"});
  std::string out;
  try {
    const Ended ended = run(words, Values::placeholders, out, false, {});
    if (ended.exit_code != 0) return {};
  } catch (const Reported& e) {
    if (e.rc() == FBX_NOT_FOUND || e.rc() == FBX_DENIED) return {};
    throw;
  }
  return common::one_line(out);
}

template <class Target>
Cli::Ended Cli::run(const std::vector<std::string>& command, Values values, Target& out, bool merge,
                    std::string_view stdin_bytes) {
  const json::object request{{"command", json::array(command.begin(), command.end())},
                             {"cwd", settings_.config_dir.string()},
                             {"environment", environment(values)},
                             {"unset", unset()},
                             {"merge", merge}};
  ProcessResult ended = op_.run_process(json::serialize(request), stdin_bytes, out);
  const json::object result = common::parse_object(ended.result_json, "the host's answer");
  return {static_cast<int>(common::need_integer(result, "exit_code")), std::move(ended.err)};
}

std::vector<fs::path> Cli::files(const std::vector<fs::path>& more) const {
  std::vector<fs::path> all = settings_.files;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<std::string> Cli::global_arguments(const std::vector<fs::path>& files) const {
  std::vector<std::string> words{"--ansi",
                                 "never",
                                 "--project-name",
                                 settings_.project,
                                 "--project-directory",
                                 settings_.project_dir.string()};
  const auto add = [&](const char* option, const std::string& value) {
    words.emplace_back(option);
    words.push_back(value);
  };
  for (const fs::path& file : files) add("--file", file.string());
  for (const std::string& profile : settings_.profiles) add("--profile", profile);
  for (const fs::path& file : settings_.env_files) add("--env-file", file.string());
  if (!settings_.versions) return words;
  // With an --env-file Compose no longer reads the project's .env by itself.
  std::error_code ignored;
  const fs::path usual = settings_.project_dir / ".env";
  if (settings_.env_files.empty() && fs::exists(usual, ignored)) add("--env-file", usual.string());
  add("--env-file", settings_.versions->string());
  return words;
}

json::object Cli::environment(Values values) const {
  json::object all;
  std::size_t index = 0;
  for (const auto& member : settings_.environment) {
    const bool as_it_is = values == Values::secrets || member.value().is_string();
    all[member.key()] = as_it_is ? member.value() : json::value(placeholder(index));
    ++index;
  }
  for (const auto& [name, value] : engine_.set) all[name] = value;
  all["COMPOSE_PROGRESS"] = "plain";
  all["COMPOSE_MENU"] = "false";
  all["DOCKER_CLI_HINTS"] = "false";
  return all;
}

json::array Cli::unset() const {
  json::array names(compose_switches.begin(), compose_switches.end());
  for (const std::string& name : engine_.unset) names.emplace_back(name);
  // The environment would win over the lock file: an exported version is no version.
  if (settings_.versions)
    for (const LockEntry& entry : read_lock(*settings_.versions).entries)
      names.emplace_back(entry.name);
  return names;
}

std::string Cli::ask(const std::vector<std::string>& arguments, Values values,
                     std::vector<std::string>* said, const std::vector<fs::path>& more_files) {
  std::vector<std::string> words = program().command;
  const auto before = global_arguments(files(more_files));
  words.insert(words.end(), before.begin(), before.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::string out;
  const Ended ended = run(words, values, out, false, {});
  const std::vector<std::string> lines = lines_of(ended.err);
  if (ended.exit_code != 0)
    throw explain_failure(doing(program().command, arguments), ended.exit_code, lines);
  if (said != nullptr) *said = lines;
  return out;
}

Cli::Config Cli::config(const std::vector<fs::path>& more_files) {
  Config config;
  const std::string text =
      ask({"config", "--format", "json"}, Values::placeholders, &config.said, more_files);
  config.files = common::parse_object(text, "the answer of compose config", FBX_IO);
  if (!settings_.is_scratch()) return config;
  Scratch scratch = as_scratch(std::move(config.files), settings_.project, settings_.live_project);
  config.files = std::move(scratch.config);
  config.notes = std::move(scratch.notes);
  return config;
}

// As a file that Compose reads: in place of each word its variable, whose value the child has.
// What else has a $ in it, Compose has escaped.
std::string Cli::scratch_files(const std::vector<fs::path>& more_files) {
  std::string text = json::serialize(config(more_files).files);
  std::size_t index = 0;
  for (const auto& member : settings_.environment) {
    const std::string word = placeholder(index++);
    const std::string variable = fmt::format("${{{}}}", std::string_view(member.key()));
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += variable.size())
      text.replace(at, word.size(), variable);
  }
  return text;
}

void Cli::effect(const std::vector<std::string>& arguments, Values values,
                 const std::vector<fs::path>& more_files) {
  std::vector<std::string> words = program().command;
  const std::string piped = settings_.is_scratch() ? scratch_files(more_files) : std::string{};
  const auto before =
      global_arguments(settings_.is_scratch() ? std::vector<fs::path>{"-"} : files(more_files));
  words.insert(words.end(), before.begin(), before.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string name = doing(program().command, arguments);
  Narrator narrator(op_);
  Lines lines([&](std::string_view line) { narrator.hear(line); });
  try {
    const Ended ended = run(words, values, lines, true, piped);
    lines.end();
    if (ended.exit_code != 0) throw explain_failure(name, ended.exit_code, narrator.said());
  } catch (const Reported& e) {
    if (e.rc() != FBX_TIMEOUT) throw;
    const std::string open = narrator.under_way();
    throw Error(FBX_TIMEOUT,
                fmt::format("{} did not end before the step's deadline{}{}", name,
                            open.empty() ? "" : "; under way: ", open),
                "raise the step's timeout in the config if it only needs longer");
  }
}

}  // namespace fbx::compose
