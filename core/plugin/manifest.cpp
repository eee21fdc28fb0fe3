// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include "config/config_error.hpp"
#include "config/reader.hpp"
#include "config/text.hpp"
#include "config/toml_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fusebox::plugin {
namespace {

using config::in_where;
using config::Problem;
using config::quote;
using config::Table;
using config::TableReader;
using config::Value;

constexpr std::int64_t format = 1;
constexpr std::string_view suffix = ".fusebox.toml";
constexpr std::string_view step_interface = "fusebox.step/1";
constexpr std::string_view name_form = "use a-z, 0-9 and -, with a letter first";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The dot-separated identifiers of a pre-release or of build metadata.
bool are_identifiers(std::string_view text) {
  bool empty = true;
  for (const char c : text) {
    if (c == '.' && empty) return false;
    if (c != '.' && c != '-' && !is_alnum(c)) return false;
    empty = c == '.';
  }
  return !empty;
}

bool is_version(std::string_view text) {
  const std::size_t plus = text.find('+');
  if (plus != std::string_view::npos && !are_identifiers(text.substr(plus + 1))) return false;
  text = text.substr(0, plus);
  const std::size_t minus = text.find('-');
  if (minus != std::string_view::npos && !are_identifiers(text.substr(minus + 1))) return false;
  text = text.substr(0, minus);
  for (int part = 0; part < 3; ++part) {
    const std::size_t dot = text.find('.');
    const std::string_view number = text.substr(0, dot);
    if (number.empty() || number.size() > 9 || !std::ranges::all_of(number, is_digit)) return false;
    if (number.size() > 1 && number.front() == '0') return false;
    if ((dot == std::string_view::npos) != (part == 2)) return false;
    if (part < 2) text.remove_prefix(dot + 1);
  }
  return true;
}

// A program is looked up in PATH, so it is a name and no path.
bool is_program(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return is_alnum(c) || std::string_view("._+-").find(c) != std::string_view::npos;
         });
}

class ManifestReader {
 public:
  ManifestReader(const Value& root, Manifest& manifest, std::vector<Problem>& problems)
      : root_(*root.get_if<Table>()),
        reader_(root_, root.origin, "", problems),
        manifest_(manifest),
        problems_(problems) {}

  void run() {
    if (!read_format()) return;
    read_identity();
    manifest_.provides = words("provides", config::is_interface_id, interface_form);
    manifest_.offers = words("offers", config::is_interface_id, interface_form);
    manifest_.requires_ = words("requires", config::is_interface_id, interface_form);
    manifest_.wants = words("wants", config::is_interface_id, interface_form);
    manifest_.secrets = words("secrets", config::is_secret_name, "use letters, digits and _");
    manifest_.programs = words("programs", is_program, "name a program, not its path");
    read_verbs();
    read_config();
    read_commands();
    check_interfaces();
    reader_.finish();
  }

 private:
  static constexpr std::string_view interface_form = "write <vendor>.<area>/<revision>";

  // A manifest of another format is not looked into: its keys mean other things.
  bool read_format() {
    const std::int64_t* found = reader_.integer("fusebox_manifest");
    if (found == nullptr) {
      if (reader_.any("fusebox_manifest") == nullptr) {
        reader_.problem(reader_.origin(), "the file has no \"fusebox_manifest\"",
                        "write fusebox_manifest = 1");
      }
      return false;
    }
    if (*found != format) {
      reader_.problem(
          root_.find("fusebox_manifest")->origin,
          fmt::format("manifest format {} is unknown, this fusebox reads {}", *found, format),
          *found > format ? "update fusebox" : "write fusebox_manifest = 1");
    }
    return *found == format;
  }

  void read_identity() {
    if (const auto* id = reader_.required_text("id", "id = \"<vendor>-<what>\"")) {
      manifest_.id = *id;
      const std::string expected = *id + std::string(suffix);
      const Value& value = *root_.find("id");
      if (!config::is_name(*id)) {
        reader_.problem(value.origin, fmt::format("{} is not a plugin's id", quote(*id)),
                        std::string(name_form));
      } else if (manifest_.file.filename() != expected) {
        reader_.problem(value.origin,
                        fmt::format("the id is {} but the file is {}", quote(*id),
                                    quote(manifest_.file.filename().string())),
                        fmt::format("name the file {}", expected));
      }
    }
    if (const auto* version = reader_.required_text("version", "version = \"1.0.0\"")) {
      manifest_.version = *version;
      if (!is_version(*version)) {
        reader_.problem(root_.find("version")->origin,
                        fmt::format("{} is not a semantic version", quote(*version)),
                        "write version = \"1.0.0\"");
      }
    }
    if (const auto* text = reader_.required_text("summary", "summary = \"what it does\"")) {
      manifest_.summary = *text;
    }
    if (const auto* text = reader_.required_text("license", "license = \"Apache-2.0\"")) {
      manifest_.license = *text;
    }
  }

  // A list of distinct words that are all well formed.
  std::vector<std::string> words(std::string_view key, bool (*good)(std::string_view),
                                 std::string_view form) {
    std::vector<std::string> found;
    const std::vector<std::string> texts = reader_.texts(key);
    const Value* value = reader_.any(key);
    const config::List* list = value == nullptr ? nullptr : value->get_if<config::List>();
    if (list == nullptr || list->size() != texts.size()) return found;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!good(texts[i])) {
        reader_.problem((*list)[i].origin,
                        fmt::format("\"{}\" must not hold {}", key, quote(texts[i])),
                        std::string(form));
      } else if (std::ranges::find(found, texts[i]) != found.end()) {
        reader_.problem((*list)[i].origin,
                        fmt::format("\"{}\" holds {} twice", key, quote(texts[i])), "remove one");
      } else {
        found.push_back(texts[i]);
      }
    }
    return found;
  }

  void read_verbs() {
    const Table* verbs = reader_.table("verbs");
    if (verbs == nullptr) return;
    for (const auto& [name, value] : *verbs) {
      const std::string where = fmt::format("[verbs.{}]", name);
      const Table* table = value.get_if<Table>();
      if (!config::is_name(name)) {
        reader_.problem(value.origin, fmt::format("{} in [verbs] is not a name", quote(name)),
                        std::string(name_form));
      } else if (table == nullptr) {
        reader_.problem(value.origin, fmt::format("{} must be a table, not {}", where,
                                                  config::with_article(value.type_name())));
      } else {
        manifest_.verbs.emplace(name, read_verb(name, *table, value.origin, where));
      }
    }
  }

  Verb read_verb(const std::string& name, const Table& table, const config::Origin& origin,
                 const std::string& where) {
    Verb verb;
    verb.name = name;
    TableReader reader(table, origin, where, problems_);
    if (const auto* text = reader.required_text("summary", "summary = \"what it does\"")) {
      verb.summary = *text;
    }
    if (const auto* text = reader.required_text("effect", "effect = \"none\" or \"change\"")) {
      static const std::vector<std::string> choices = {"none", "change"};
      verb.effect = *text == "none" ? Effect::none : Effect::change;
      if (std::ranges::find(choices, *text) == choices.end()) {
        reader.problem(table.find("effect")->origin,
                       fmt::format("\"effect\" {} must be one of {}, not {}", in_where(where),
                                   config::quote_all(choices), quote(*text)),
                       config::did_you_mean(*text, choices));
      }
    }
    if (const bool* undo = reader.boolean("undo")) {
      verb.undo = *undo;
      if (*undo && verb.effect == Effect::none) {
        reader.problem(table.find("undo")->origin,
                       fmt::format("{} has no effect, so there is nothing to undo", where),
                       "remove undo, or write effect = \"change\"");
      }
    }
    if (const auto timeout = reader.duration("timeout")) {
      verb.timeout = std::chrono::milliseconds(*timeout);
    }
    if (const Value* options = reader.any("options")) {
      verb.options =
          config::read_schema(*options, fmt::format("[verbs.{}.options]", name), problems_);
    }
    reader.finish();
    return verb;
  }

  void read_config() {
    const Value* value = reader_.any("config");
    if (value == nullptr) return;
    manifest_.config = config::read_schema(*value, "[config]", problems_);
    for (const std::string_view reserved : {"use", "isolation"}) {
      const Table* table = value->get_if<Table>();
      const Value* taken = table == nullptr ? nullptr : table->find(reserved);
      if (taken != nullptr) {
        reader_.problem(taken->origin,
                        fmt::format("[config.{}] is taken: the key belongs to fusebox", reserved),
                        "choose another name");
      }
    }
  }

  void read_commands() {
    const config::List* commands = reader_.list("commands");
    for (std::size_t i = 0; commands != nullptr && i < commands->size(); ++i) {
      const Value& value = (*commands)[i];
      const std::string where = fmt::format("[[commands]] number {}", i + 1);
      if (const Table* table = value.get_if<Table>()) {
        read_command(*table, value.origin, where);
      } else {
        reader_.problem(value.origin, fmt::format("{} must be a table, not {}", where,
                                                  config::with_article(value.type_name())));
      }
    }
  }

  void read_command(const Table& table, const config::Origin& origin, const std::string& where) {
    Command command;
    TableReader reader(table, origin, where, problems_);
    if (const auto* name = reader.required_text("name", "name = \"scan\"")) {
      command.name = *name;
      const config::Origin& place = table.find("name")->origin;
      if (!is_command_name(*name)) {
        reader.problem(place, fmt::format("{} is not a command's name", quote(*name)),
                       "use one or two words of a-z, 0-9 and -");
      } else if (std::ranges::find(manifest_.commands, *name, &Command::name) !=
                 manifest_.commands.end()) {
        reader.problem(place, fmt::format("the command {} is there twice", quote(*name)));
      }
    }
    if (const auto* text = reader.required_text("summary", "summary = \"what it does\"")) {
      command.summary = *text;
    }
    if (const auto* verb = reader.required_text("verb", "verb = \"<one of [verbs]>\"")) {
      command.verb = *verb;
      std::vector<std::string> known;
      for (const auto& [name, ignored] : manifest_.verbs) known.push_back(name);
      if (!manifest_.verbs.contains(*verb)) {
        reader.problem(
            table.find("verb")->origin,
            fmt::format("{} runs the verb {}, which [verbs] does not have", where, quote(*verb)),
            config::did_you_mean(*verb, known));
      }
    }
    command.examples = reader.texts("examples");
    read_option_name(reader, table, "argument", command, command.argument);
    read_option_name(reader, table, "document", command, command.document);
    if (const bool* needs = reader.boolean("needs_config")) command.needs_config = *needs;
    reader.finish();
    manifest_.commands.push_back(std::move(command));
  }

  // The name of an option of the command's verb.
  void read_option_name(TableReader& reader, const Table& table, std::string_view key,
                        const Command& command, std::string& into) {
    const auto* name = reader.text(key);
    const auto verb = manifest_.verbs.find(command.verb);
    if (name == nullptr || verb == manifest_.verbs.end()) return;
    into = *name;
    if (verb->second.options.contains(*name)) return;
    std::vector<std::string> known;
    for (const auto& [option, ignored] : verb->second.options) known.push_back(option);
    reader.problem(table.find(key)->origin,
                   fmt::format("{} = {}, and the verb {} has no such option", key, quote(*name),
                               quote(command.verb)),
                   config::did_you_mean(*name, known));
  }

  // "scan", or a group and a word: "security audit".
  static bool is_command_name(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (!config::is_name(text.substr(0, space))) return false;
    return space == std::string_view::npos || config::is_name(text.substr(space + 1));
  }

  void check_interfaces() {
    const auto& provides = manifest_.provides;
    if (manifest_.provides.empty() && root_.find("provides") == nullptr) {
      reader_.problem(reader_.origin(), "the file has no \"provides\"",
                      "write provides = [\"fusebox.step/1\"]");
    } else if (!manifest_.verbs.empty() && !manifest_.provides_interface(step_interface)) {
      reader_.problem(
          root_.find("provides")->origin,
          fmt::format("there are verbs, but \"provides\" has no \"{}\"", step_interface), "add it");
    }
    for (const auto& [key, ids] :
         {std::pair("offers", &manifest_.offers), std::pair("requires", &manifest_.requires_),
          std::pair("wants", &manifest_.wants)}) {
      for (const std::string& id : *ids) {
        if (std::ranges::find(provides, id) != provides.end()) {
          reader_.problem(root_.find(key)->origin,
                          fmt::format("{} is in \"provides\" and in \"{}\"", quote(id), key),
                          "remove it from one");
        }
      }
    }
  }

  const Table& root_;
  TableReader reader_;
  Manifest& manifest_;
  std::vector<Problem>& problems_;
};

}  // namespace

bool Manifest::provides_interface(std::string_view wanted) const {
  return std::ranges::find(provides, wanted) != provides.end();
}

Manifest parse_manifest(std::string text, const std::filesystem::path& file) {
  std::vector<Problem> problems;
  Manifest manifest;
  manifest.file = file;
  const Value root = config::parse_toml(text, file.string());
  ManifestReader(root, manifest, problems).run();
  if (!problems.empty()) throw config::ConfigError(std::move(problems));
  manifest.text = std::move(text);
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& file) {
  return parse_manifest(config::read_text(file, {}), file);
}

}  // namespace fusebox::plugin
