// SPDX-License-Identifier: Apache-2.0
#include "template.hpp"

#include <fmt/format.h>

#include <fusebox/plugin.hpp>

#include "sys.hpp"

namespace runtime_process {
namespace {

enum class Secrets { expand, keep };

bool is_secret(std::string_view name) { return name == "secret" || name == "sha256"; }

// Where the reference that starts at `open` ("${") ends: the index of its "}".
std::size_t find_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text.substr(i, 2) == "${") ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

std::string expand_text(std::string_view text, std::string_view where, const Lookup& lookup,
                        Secrets secrets) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = text.find('$', at);
    out += text.substr(at, dollar - at);
    if (dollar == std::string_view::npos) break;
    if (text.substr(dollar, 3) == "$${") {
      // Kept for the second pass when there is one, so that it is undone exactly once.
      out += secrets == Secrets::keep ? "$${" : "${";
      at = dollar + 3;
      continue;
    }
    if (text.substr(dollar, 2) != "${") {
      out += '$';
      at = dollar + 1;
      continue;
    }
    const std::size_t end = find_end(text, dollar);
    if (end == std::string_view::npos)
      throw fbx::Error(FBX_CONFIG, fmt::format("{}: a \"${{\" without its \"}}\"", where),
                       "close it, or write $${ for a plain ${");
    const std::string_view body = text.substr(dollar + 2, end - dollar - 2);
    const std::size_t colon = body.find(':');
    const std::string_view name = body.substr(0, colon);
    const std::string_view argument =
        colon == std::string_view::npos ? std::string_view{} : body.substr(colon + 1);
    if (secrets == Secrets::keep && is_secret(name))
      out += text.substr(dollar, end + 1 - dollar);
    else
      out += lookup(name, expand_text(argument, where, lookup, secrets));
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string expand(std::string_view text, std::string_view where, const Lookup& lookup) {
  return expand_text(text, where, lookup, Secrets::expand);
}

std::string expand_but_secrets(std::string_view text, std::string_view where,
                               const Lookup& lookup) {
  return expand_text(text, where, lookup, Secrets::keep);
}

std::string expand_secrets(std::string_view text, std::string_view where,
                           const std::function<std::string(std::string_view name)>& value_of) {
  return expand(text, where, [&](std::string_view name, std::string_view argument) {
    if (name == "secret") return value_of(argument);
    if (name == "sha256") return sha256_hex(argument);
    throw fbx::Error(FBX_CONFIG, fmt::format("{}: unknown reference ${{{}}}", where, name),
                     "known here: ${secret:NAME} and ${sha256:...}");
  });
}

bool mentions_secret(std::string_view text) {
  return text.find("${secret:") != std::string_view::npos;
}

}  // namespace runtime_process
