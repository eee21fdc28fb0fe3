// SPDX-License-Identifier: Apache-2.0
// What is seen without loading anything.
#include "check/made_up.hpp"
#include "check/scene.hpp"
#include "util/text.hpp"

#include <fmt/format.h>
#include <fusebox/observer.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <fusebox/snapshot.h>
#include <fusebox/store.h>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <regex>

namespace fusebox::check {

namespace {

constexpr std::size_t kLargestManifest = 64U << 10U;
constexpr std::size_t kLongestSummary = 100;

void valid(Scene& scene) {
  if (!scene.subject().manifest) fail(scene.subject().manifest_problem);
}

void names(Scene& scene) {
  const auto& m = scene.manifest();
  const auto library = scene.subject().library.stem().string();
  if (library != m.id)
    fail(fmt::format("the library is {}, but its id is \"{}\"",
                     scene.subject().library.filename().string(), m.id));
}

void known_interfaces(Scene& scene) {
  static const std::set<std::string> known = {FBX_IFACE_STEP,    FBX_IFACE_SECRETS,
                                              FBX_IFACE_RUNTIME, FBX_IFACE_SNAPSHOT,
                                              FBX_IFACE_STORE,   FBX_IFACE_OBSERVER};
  const auto& m = scene.manifest();
  for (const auto* list : {&m.provides, &m.offers, &m.requires_, &m.wants})
    for (const auto& id : *list)
      if (id.starts_with("fusebox.") && known.count(id) == 0)
        fail(fmt::format("this fusebox knows no interface {}", id));
}

void requires_itself(Scene& scene) {
  const auto& m = scene.manifest();
  for (const auto& id : m.requires_)
    if (m.provides_interface(id) && id != FBX_IFACE_STEP && id != FBX_IFACE_SNAPSHOT)
      warn(fmt::format("it requires {}, which it provides itself", id));
}

void text(Scene& scene) {
  const auto& bytes = scene.manifest().text;
  if (!util::valid_utf8(bytes)) fail("the manifest is not valid UTF-8");
  if (bytes.size() > kLargestManifest)
    warn(fmt::format("the manifest has {} bytes; {} are plenty", bytes.size(), kLargestManifest));
  if (bytes.find('\r') != std::string::npos)
    warn(
        "the manifest has CR line ends, which some editors change back: the library's copy would "
        "differ");
  if (bytes.find('\0') != std::string::npos) fail("the manifest has a zero byte: hosts read to it");
}

void license(Scene& scene) {
  static const std::regex expression(R"([A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*)");
  if (!std::regex_match(scene.manifest().license, expression))
    warn(fmt::format("\"{}\" is no SPDX expression, such as Apache-2.0", scene.manifest().license));
}

void summaries(Scene& scene) {
  const auto& m = scene.manifest();
  const auto look = [](std::string_view what, std::string_view summary) {
    if (summary.empty()) fail(fmt::format("{} has an empty summary", what));
    if (summary.find('\n') != std::string_view::npos)
      fail(fmt::format("the summary of {} has several lines", what));
    if (summary.size() > kLongestSummary)
      warn(fmt::format("the summary of {} is longer than {} bytes", what, kLongestSummary));
  };
  look("the plugin", m.summary);
  for (const auto& [name, verb] : m.verbs) look(name, verb.summary);
  for (const auto& command : m.commands) look(command.name, command.summary);
}

void described(const config::Schema& schema, const std::string& where) {
  for (const auto& [name, field] : schema) {
    if (field.description.empty())
      warn(fmt::format("{}{} has no description; `fusebox plugins info` shows it", where, name));
    described(field.fields, where + name + ".");
  }
}
void descriptions(Scene& scene) {
  described(scene.manifest().config, "config.");
  for (const auto& [name, verb] : scene.manifest().verbs)
    described(verb.options, fmt::format("verbs.{}.options.", name));
}

void defaults(Scene& scene) {
  plainest(scene.manifest().config);
  for (const auto& [name, verb] : scene.manifest().verbs) plainest(verb.options);
}

void any_settings(Scene& scene) {
  for (int i = 0; i < 200; ++i) {
    any(scene.manifest().config, scene.random());
    for (const auto& [name, verb] : scene.manifest().verbs) any(verb.options, scene.random());
  }
}

void timeouts(Scene& scene) {
  for (const auto& [name, verb] : scene.manifest().verbs)
    if (verb.timeout.count() == 0)
      warn(fmt::format("the verb {} has no timeout: the host's default may be too long for it",
                       name));
}

void undo(Scene& scene) {
  for (const auto& [name, verb] : scene.manifest().verbs)
    if (verb.effect == plugin::Effect::change && !verb.undo)
      warn(fmt::format("the verb {} changes something and cannot be undone", name));
}

void examples(Scene& scene) {
  for (const auto& command : scene.manifest().commands)
    if (command.examples.empty()) warn(fmt::format("the command {} has no example", command.name));
}

void programs(Scene& scene) {
  for (const auto& name : scene.manifest().programs)
    if (name.find('/') != std::string::npos || name.empty())
      fail(fmt::format("program \"{}\" must be a name to be found in PATH", name));
}

void secrets(Scene& scene) {
  static const std::regex usual("[A-Z][A-Z0-9_]*");
  for (const auto& name : scene.manifest().secrets)
    if (!std::regex_match(name, usual))
      warn(fmt::format("secret \"{}\" is not like SECRET_NAME, as other plugins' are", name));
}

void plaintext(Scene& scene) {
  static const std::regex sensitive("(^|_)(password|passwd|secret|token|api_key|private_key)$");
  for (const auto& [name, field] : scene.manifest().config)
    if (field.type == config::FieldType::string && std::regex_search(name, sensitive))
      warn(
          fmt::format("config.{} is text, so its value would stand in fusebox.toml: "
                      "type = \"secret\" takes a handle",
                      name));
}

constexpr std::array kChecks = {
    Check{"manifest.valid", 1, "the manifest beside the library is valid", valid},
    Check{"manifest.names", 1, "library, file and id have one name", names},
    Check{"manifest.interfaces", 2, "it names interfaces that there are", known_interfaces},
    Check{"manifest.text", 2, "its text is UTF-8 without surprises", text},
    Check{"manifest.defaults", 1, "defaults fit their own schema", defaults},
    Check{"manifest.schema", 3, "any settings that the schema describes are valid", any_settings},
    Check{"manifest.programs", 2, "programs are names, not paths", programs},
    Check{"manifest.plaintext", 4, "no setting takes a secret as text", plaintext},
    Check{"manifest.secrets", 6, "secrets have names like others'", secrets},
    Check{"manifest.license", 4, "the license is an SPDX expression", license},
    Check{"manifest.summaries", 3, "summaries are one short line each", summaries},
    Check{"manifest.requires", 4, "it requires nothing that it provides itself", requires_itself},
    Check{"manifest.descriptions", 6, "every setting and option is described", descriptions},
    Check{"manifest.timeouts", 6, "every verb has a timeout", timeouts},
    Check{"manifest.examples", 7, "every command has an example", examples},
    Check{"manifest.undo", 8, "every verb that changes something can be undone", undo},
};

}  // namespace

std::span<const Check> manifest_checks() { return kChecks; }

}  // namespace fusebox::check
