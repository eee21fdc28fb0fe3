// SPDX-License-Identifier: Apache-2.0
// The model kept on disk: a query must not cost a process.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fusebox/plugin.hpp>
#include <set>

#include "common/compose/cli.hpp"
#include "common/compose/lock_file.hpp"
#include "common/compose/model.hpp"
#include "common/compose/settings.hpp"

namespace fbx::compose {

namespace {

fs::path store(const Settings& settings) { return settings.state_dir / "model.json"; }

// Every file that the model may come from: those that are named, and what Compose finds beside them
// (.env, and YAML files that others include or extend).
std::set<fs::path> sources(const Settings& settings) {
  std::set<fs::path> files(settings.files.begin(), settings.files.end());
  files.insert(settings.env_files.begin(), settings.env_files.end());
  if (settings.versions) files.insert(*settings.versions);
  std::error_code error;
  for (fs::directory_iterator it(settings.project_dir, error), end; !error && it != end;
       it.increment(error)) {
    const fs::path& file = it->path();
    if (file.extension() == ".yml" || file.extension() == ".yaml" || file.filename() == ".env")
      files.insert(file);
  }
  return files;
}

// Changes whenever a setting or one of those files does.
std::string stamp(const Settings& settings) {
  std::string text = fmt::format("{}\n{}\n", settings.project, settings.project_dir.string());
  for (const std::string& profile : settings.profiles) text += profile + "\n";
  for (const auto& member : settings.environment)
    text += fmt::format("{}={}\n", std::string_view(member.key()),
                        member.value().is_string() ? json::serialize(member.value()) : "");
  for (const fs::path& file : settings.files) text += file.string() + "\n";
  for (const fs::path& file : sources(settings)) {
    std::error_code error;
    const auto time = fs::last_write_time(file, error);
    if (error) continue;
    text += fmt::format("{} {} {}\n", file.string(),
                        static_cast<std::int64_t>(time.time_since_epoch().count()),
                        fs::file_size(file, error));
  }
  return text;
}

std::optional<Model> read_store(const Settings& settings, const std::string* wanted) {
  std::error_code error;
  if (!fs::exists(store(settings), error)) return std::nullopt;
  json::error_code bad;
  const json::value kept = json::parse(read_text(store(settings)), bad);
  if (bad || !kept.is_object()) return std::nullopt;
  const auto stamped = common::text_at(kept.get_object(), "stamp");
  const json::object* model = common::object_at(kept.get_object(), "model");
  if (!stamped || model == nullptr || (wanted != nullptr && *stamped != *wanted))
    return std::nullopt;
  return model_from(*model);
}

// A store that cannot be written costs time, nothing else.
void keep(const Settings& settings, const Model& model, const std::string& stamped) {
  std::error_code error;
  fs::create_directories(settings.state_dir, error);
  if (error) return;
  fs::permissions(settings.state_dir, fs::perms::owner_all, error);
  try {
    write_atomically(store(settings),
                     json::serialize(json::object{{"stamp", stamped}, {"model", to_json(model)}}));
  } catch (const Error&) {
    fs::remove(store(settings), error);
  }
}

}  // namespace

LoadedModel load_model(Cli& cli) {
  const std::string stamped = stamp(cli.settings());
  if (cli.memo() != nullptr)
    if (const auto known = cli.memo()->model(stamped)) return *known;
  LoadedModel loaded;
  Cli::Config config = cli.config();
  loaded.model = read_model(config.files);
  loaded.notes = std::move(config.notes);
  for (const std::string& line : config.said)
    if (const auto log = parse_log_line(line))
      if (auto name = unset_variable(log->message)) loaded.unset.push_back(*std::move(name));
  std::sort(loaded.unset.begin(), loaded.unset.end());
  loaded.unset.erase(std::unique(loaded.unset.begin(), loaded.unset.end()), loaded.unset.end());
  keep(cli.settings(), loaded.model, stamped);
  if (cli.memo() != nullptr) cli.memo()->keep(stamped, std::make_shared<const LoadedModel>(loaded));
  return loaded;
}

std::optional<Model> kept_model(const Settings& settings) {
  const std::string wanted = stamp(settings);
  return read_store(settings, &wanted);
}

std::optional<Model> last_model(const Settings& settings) { return read_store(settings, nullptr); }

}  // namespace fbx::compose
