// SPDX-License-Identifier: Apache-2.0
#include "secret_template.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <fusebox/plugin.hpp>
#include <iterator>
#include <optional>
#include <stdexcept>

#include "common/dotenv.hpp"

namespace secrets_1password {

using fbx::common::Dotenv;
using fbx::common::DotenvEntry;
using fbx::common::DotenvWarning;

namespace {

constexpr std::string_view mend = "mend that line; docs/SECRETS.md shows the template's form";

std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file))
    throw fbx::Error(FBX_NOT_FOUND, "cannot read the template " + file.string(),
                     "make one with `fusebox secrets template`, and set `template` to its path");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

Dotenv parse(const std::string& text, const std::filesystem::path& file, const std::string& vault) {
  const auto lookup = [&](std::string_view name) -> std::optional<std::string_view> {
    if (!vault.empty() && upper(name) == "VAULT") return vault;
    if (const auto value = fbx::common::process_environment(name)) return value;
    return fbx::common::process_environment(upper(name));
  };
  try {
    return fbx::common::parse_dotenv(text, file.string(), lookup);
  } catch (const fbx::common::DotenvError& e) {
    throw fbx::Error(FBX_CONFIG, e.what(), std::string(mend));
  }
}

Pieces pieces_of(const DotenvEntry& entry, const std::string& where) {
  try {
    return split_value(entry.value.view());
  } catch (const std::invalid_argument& e) {
    throw fbx::Error(FBX_CONFIG, where + ": " + entry.name + ": " + e.what(), std::string(mend));
  }
}

}  // namespace

std::string TemplateEntry::origin() const {
  std::string text;
  for (const Piece& piece : pieces)
    if (piece.is_reference) text += (text.empty() ? "" : ", ") + piece.reference.text;
  return text.empty() ? where + " (plain text)" : text;
}

bool TemplateEntry::has_reference() const {
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return piece.is_reference; });
}

const TemplateEntry* SecretTemplate::find(std::string_view name) const {
  for (const TemplateEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

SecretTemplate read_template(const std::filesystem::path& file, const std::string& vault) {
  const Dotenv parsed = parse(slurp(file), file, vault);
  SecretTemplate out;
  for (const DotenvWarning& warning : parsed.warnings) {
    if (warning.kind == DotenvWarning::Kind::unset_variable)
      throw fbx::Error(FBX_CONFIG, warning.text,
                       "set it, give it a default (${NAME:-default}), or set the plugin's `vault` "
                       "for ${VAULT}");
    out.warnings.push_back(warning.text);
  }
  for (const DotenvEntry& entry : parsed.entries) {
    std::string where = file.string() + ":" + std::to_string(entry.place.line);
    Pieces pieces = pieces_of(entry, where);
    out.entries.push_back({entry.name, std::move(pieces), std::move(where)});
  }
  return out;
}

}  // namespace secrets_1password
