// SPDX-License-Identifier: Apache-2.0
#include "config/layers.hpp"

#include "config/config_error.hpp"
#include "config/reader.hpp"
#include "config/text.hpp"
#include "util/fs.hpp"
#include "util/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace fusebox::config {
namespace {

namespace fs = std::filesystem;

// Enough for any stack; an include of includes that doubles at each level ends here.
constexpr std::size_t most_files = 256;

[[noreturn]] void refuse(const Origin& origin, std::string what, std::string hint) {
  throw ConfigError({{origin, std::move(what), std::move(hint)}});
}

class Includes {
 public:
  Value read(const fs::path& file, const Origin& from) {
    enter(file, from);
    Value value = parse_toml(read_text(file, from), file.string());
    Value merged{Table(), value.origin};
    for (const auto& [path, origin] : take_includes(value)) {
      const fs::path folder = file.parent_path();
      const fs::path next = path.is_absolute() ? path : (folder / path).lexically_normal();
      merge(merged, read(next, origin));
    }
    merge(merged, std::move(value));
    open_.pop_back();
    return merged;
  }

 private:
  void enter(const fs::path& file, const Origin& from) {
    std::error_code ignored;
    const fs::path real = fs::weakly_canonical(file, ignored);
    if (std::ranges::find(open_, real, &Open::real) != open_.end()) {
      std::string chain;
      for (const Open& open : open_) chain += open.shown + " -> ";
      refuse(from, fmt::format("files include each other: {}{}", chain, file.string()),
             "remove one of the includes");
    }
    if (++files_ > most_files) {
      refuse(from, fmt::format("more than {} files are included", most_files), "");
    }
    open_.push_back({real, file.string()});
  }

  static std::vector<std::pair<fs::path, Origin>> take_includes(Value& value) {
    Table& table = *value.get_if<Table>();
    std::vector<Problem> problems;
    TableReader reader(table, value.origin, "", problems);
    std::vector<std::pair<fs::path, Origin>> paths;
    const std::vector<std::string> texts = reader.texts("include");
    if (!problems.empty()) throw ConfigError(std::move(problems));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const Origin& origin = (*table.find("include")->get_if<List>())[i].origin;
      const bool home = texts[i].starts_with("~/");
      paths.emplace_back(home ? resolve_path(texts[i], origin, origin) : fs::path(texts[i]),
                         origin);
    }
    table.erase("include");
    return paths;
  }

  struct Open {
    fs::path real;
    std::string shown;
  };
  std::vector<Open> open_;  // from the first file to the one that is being read
  std::size_t files_ = 0;
};

// What was written as TOML stays what it is, and all else is text: port=1, on=true, name=demo.
Value parse_value(const std::string& text, const Origin& origin) {
  Value value{text, origin};
  try {
    Value parsed = parse_toml("value = " + text, origin.source);
    Table& table = *parsed.get_if<Table>();
    if (table.size() == 1 && table.begin()->first == "value")
      value = std::move(table.begin()->second);
  } catch (const ConfigError&) {
    return value;
  }
  return value;
}

// Puts `value` at `path`, through tables that may not be there yet.
void put(Value& root, const std::vector<std::string>& path, Value value,
         std::vector<Problem>& problems) {
  std::for_each(path.rbegin(), path.rend(), [&](const std::string& key) {
    Table table;
    const Origin origin = value.origin;
    table.append(key, std::move(value));
    value = Value{std::move(table), origin};
  });
  const Value* at = &root;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    at = at->get_if<Table>()->find(path[i]);
    if (at == nullptr) break;
    if (at->get_if<Table>() == nullptr) {
      problems.push_back(
          {value.origin,
           fmt::format("{} is {}, not a table", quote(path[i]), with_article(at->type_name())),
           fmt::format("it was set at {}", at->origin.str())});
      return;
    }
  }
  merge(root, std::move(value));
}

// a.b."c d" -> a, b, c d; nothing when it is no key.
std::optional<std::vector<std::string>> split_key(std::string_view text) {
  std::vector<std::string> path;
  while (true) {
    std::string part;
    if (text.starts_with('"')) {
      const std::size_t close = text.find('"', 1);
      if (close == std::string_view::npos) return std::nullopt;
      part = text.substr(1, close - 1);
      text.remove_prefix(close + 1);
    } else {
      part = text.substr(0, text.find('.'));
      text.remove_prefix(part.size());
    }
    if (part.empty() || path.size() == 32) return std::nullopt;
    path.push_back(std::move(part));
    if (text.empty()) return path;
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
  }
}

// Where the = of "a.\"b=c\".d=e" is.
std::size_t find_equals(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '=' && !quoted) return i;
  }
  return std::string_view::npos;
}

// Everything that a file holds is UTF-8, the parser sees to it; so must be what comes by other
// ways.
bool refuse_bytes(std::string_view text, const Origin& origin, std::vector<Problem>& problems) {
  if (util::valid_utf8(text)) return false;
  problems.push_back({origin, "is not valid UTF-8", ""});
  return true;
}

void apply_set(Value& root, const std::string& argument, std::vector<Problem>& problems) {
  const Origin origin{"--set", 0, 0};
  if (refuse_bytes(argument, origin, problems)) return;
  const std::size_t equals = find_equals(argument);
  const auto path = split_key(std::string_view(argument).substr(0, equals));
  if (equals == std::string::npos || !path) {
    // Only the key is shown: what follows it may be a secret.
    problems.push_back({origin,
                        fmt::format("{} is not of the form a.b=value",
                                    quote(argument.substr(0, argument.find('=')))),
                        "write --set stack.name=demo"});
    return;
  }
  Value value = parse_value(argument.substr(equals + 1), origin);
  set_origin(value, origin);
  put(root, *path, std::move(value), problems);
}

std::string lower_case(std::string_view text, char underscore) {
  std::string lower;
  for (const char c : text) {
    lower += c == '_' ? underscore : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

// A variable's name has no case and no hyphen, so a key that exists is found without regard to
// them. A new name under plugins, phases and commands gets hyphens, any other key underscores.
std::string matching_key(const Value* at, std::string_view part, bool name) {
  const Table* table = at == nullptr ? nullptr : at->get_if<Table>();
  if (table != nullptr) {
    for (const auto& [key, member] : *table) {
      std::string folded = lower_case(key, '_');
      std::ranges::replace(folded, '-', '_');
      if (folded == lower_case(part, '_')) return key;
    }
  }
  return lower_case(part, name ? '-' : '_');
}

bool is_variable_name(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

void apply_variable(Value& root, const std::string& name, const std::string& text,
                    std::vector<Problem>& problems) {
  constexpr std::string_view prefix = "FUSEBOX_";
  if (!name.starts_with(prefix) || !is_variable_name(name)) return;
  if (name.find("__", prefix.size()) == std::string::npos) return;
  const Origin origin{name, 0, 0};
  if (refuse_bytes(text, origin, problems)) return;
  std::vector<std::string> path;
  const Value* at = &root;
  std::string_view rest = std::string_view(name).substr(prefix.size());
  while (true) {
    const std::size_t end = rest.find("__");
    const std::string_view part = rest.substr(0, end);
    if (part.empty() || part.starts_with('_') || path.size() == 32) {
      problems.push_back(
          {origin, "is not of the form FUSEBOX_A__B", "two underscores stand for a dot"});
      return;
    }
    const bool names =
        path.size() == 1 && (path[0] == "plugins" || path[0] == "phases" || path[0] == "commands");
    path.push_back(matching_key(at, part, names));
    const Table* table = at == nullptr ? nullptr : at->get_if<Table>();
    at = table == nullptr ? nullptr : table->find(path.back());
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 2);
  }
  Value value = parse_value(text, origin);
  set_origin(value, origin);
  put(root, path, std::move(value), problems);
}

}  // namespace

void merge(Value& under, Value over) {
  Table* old_table = under.get_if<Table>();
  Table* new_table = over.get_if<Table>();
  if (old_table == nullptr || new_table == nullptr) {
    under = std::move(over);
    return;
  }
  if (over.origin.line != 0) under.origin = over.origin;
  for (auto& [key, member] : *new_table) {
    if (Value* old_member = old_table->find(key)) {
      merge(*old_member, std::move(member));
    } else {
      old_table->append(key, std::move(member));
    }
  }
}

std::string read_text(const std::filesystem::path& file, const Origin& from) {
  try {
    return util::read_file(file, largest_text);
  } catch (const Error& error) {
    refuse(from, error.what(), error.hint());
  }
}

Value read_layers(const std::filesystem::path& file) { return Includes().read(file, {}); }

void apply_overrides(Value& root, const LoadOptions& options, std::vector<Problem>& problems) {
  for (const auto& [name, text] : options.environment) apply_variable(root, name, text, problems);
  for (const std::string& argument : options.set) apply_set(root, argument, problems);
  for (const auto& [area, instance] : options.use) {
    put(root, {"use", area}, Value{instance, {"--use", 0, 0}}, problems);
  }
}

}  // namespace fusebox::config
