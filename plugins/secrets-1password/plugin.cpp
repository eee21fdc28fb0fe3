// SPDX-License-Identifier: Apache-2.0
// Secrets from 1Password through its command-line tool: values go from op's pipe to the host's
// locked memory, and nowhere else.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fusebox/plugin.hpp>
#include <optional>
#include <utility>

#include "common/json.hpp"
#include "common/result.hpp"
#include "common/secret_rules.hpp"
#include "common/secrets.hpp"
#include "common/wiped.hpp"
#include "op_cli.hpp"
#include "secret_template.hpp"

namespace json = boost::json;
using fbx::common::Names;
using fbx::common::Result;
using fbx::common::WipedText;

namespace secrets_1password {

namespace {

struct Settings {
  std::filesystem::path file;
  std::string vault;
  std::string item;
  CliSettings cli;
};

Settings read_settings(std::string_view text) {
  const fbx::common::Context context = fbx::common::parse_context(text);
  const std::filesystem::path usual =
      std::filesystem::path(context.config_dir) / "secrets.env.template";
  Settings settings;
  settings.file = fbx::common::text_at(context.config, "template").value_or(usual.string());
  settings.vault = fbx::common::need_text(context.config, "vault");
  settings.item = fbx::common::need_text(context.config, "item");
  settings.cli.account = fbx::common::need_text(context.config, "account");
  settings.cli.sign_in = fbx::common::need_text(context.config, "sign_in");
  return settings;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// An op that gives back what it was given, with or without braces, has resolved nothing.
bool is_unresolved(std::string_view value) {
  if (value.starts_with("{{")) value.remove_prefix(2);
  while (value.starts_with(" ")) value.remove_prefix(1);
  return value.starts_with("op://");
}

}  // namespace

class Plugin : public fbx::Plugin, public fbx::Step, public fbx::Secrets {
 public:
  explicit Plugin(std::string_view context)
      : settings_(read_settings(context)), cli_(settings_.cli) {}

  std::string plan(fbx::Op&, std::string_view request) override {
    const Names names = fbx::common::names_of_step(request);
    if (names.empty()) return Result().summary("no secret is needed").json();
    const std::vector<Wanted> wanted = references_of(entries(names));
    Result result;
    result.summary(fbx::common::counted(names.size(), "secret") + " from 1Password");
    if (!wanted.empty())
      result.action("sign in to 1Password, and resolve " +
                    fbx::common::counted(wanted.size(), "reference") + " in one go (" +
                    settings_.file.string() + ")");
    return result.json();
  }

  std::string run(fbx::Op& op, std::string_view request) override {
    const Names names = fbx::common::names_of_step(request);
    if (names.empty()) return Result().summary("no secret is needed").changed(false).json();
    Result result;
    provide(op, names, result);
    return result.summary(fbx::common::counted(names.size(), "secret") + " from 1Password")
        .changed(false)
        .json();
  }

  std::string list(fbx::Op&, std::string_view) override {
    json::array secrets;
    for (const TemplateEntry& entry : read_template(settings_.file, settings_.vault).entries) {
      json::object secret{{"name", entry.name}, {"origin", entry.origin()}};
      if (!entry.has_reference()) secret["present"] = !entry.pieces.empty();
      secrets.push_back(std::move(secret));
    }
    return json::serialize(json::object{{"secrets", std::move(secrets)}});
  }

  std::string resolve(fbx::Op& op, std::string_view request) override {
    Names names = fbx::common::names_of_request(request);
    if (names.empty()) names = all_names();
    Result ignored;
    provide(op, names, ignored);
    return fbx::common::resolved_json(names);
  }

  std::string check(fbx::Op& op, std::string_view) override {
    Result result;
    try {
      check_all(op, result);
    } catch (const fbx::Error& e) {
      result.summary("1Password cannot give the secrets");
      result.add({fbx::common::Severity::error, e.what(), "", e.hint(), settings_.file.string()});
    }
    return result.judge().json();
  }

  std::string template_text(fbx::Op&, std::string_view request) override {
    const std::string vault =
        settings_.vault.empty() ? "${VAULT}" : "${VAULT:-" + settings_.vault + "}";
    const std::string source = vault + "/" + settings_.item + "/";
    std::string text =
        "# Where the secrets of this stack are in 1Password: NAME=op://vault/item/[section/]field\n"
        "# No value is in this file, so it may be under version control.\n";
    for (const std::string& name : fbx::common::names_of_request(request))
      text.append(name).append("=op://").append(source).append(lower(name)).append("\n");
    return text;
  }

 private:
  using Entries = std::vector<TemplateEntry>;

  Names all_names() const {
    Names names;
    for (const TemplateEntry& entry : read_template(settings_.file, settings_.vault).entries)
      names.push_back(entry.name);
    return names;
  }

  // The template's lines for `names`; throws when one is missing, naming all that are.
  Entries entries(const Names& names, const fbx::Op* op = nullptr) const {
    const SecretTemplate content = read_template(settings_.file, settings_.vault);
    if (op != nullptr)
      for (const std::string& warning : content.warnings) op->log(fbx::Level::warn, warning);
    Entries found;
    Names absent;
    for (const std::string& name : names) {
      const TemplateEntry* entry = content.find(name);
      if (entry == nullptr || entry->pieces.empty())
        absent.push_back(name);
      else
        found.push_back(*entry);
    }
    if (!absent.empty())
      throw fbx::Error(
          FBX_NOT_FOUND,
          settings_.file.string() + " says nothing about " + fbx::common::listed(absent),
          "add a line for each: NAME=op://vault/item/field");
    return found;
  }

  static std::vector<Wanted> references_of(const Entries& entries) {
    std::vector<Wanted> wanted;
    for (const TemplateEntry& entry : entries)
      for (const Piece& piece : entry.pieces)
        if (piece.is_reference) wanted.push_back({entry.name, piece.reference});
    return wanted;
  }

  // Signs in and resolves; nothing is asked when there is nothing to ask for.
  Resolved ask(const fbx::Op& op, const Entries& entries) const {
    const std::vector<Wanted> wanted = references_of(entries);
    if (wanted.empty()) return {};
    if (const std::string conflict = cli_.conflict(); !conflict.empty())
      op.log(fbx::Level::warn, conflict);
    cli_.who_am_i(op);
    Resolved resolved = cli_.inject(op, wanted);
    refuse_unresolved(wanted, resolved);
    return resolved;
  }

  static void refuse_unresolved(const std::vector<Wanted>& wanted, const Resolved& resolved) {
    std::string unresolved;
    std::string empty;
    for (const Wanted& w : wanted) {
      const std::string_view value = resolved.values.at(w.reference.text);
      std::string& list = is_unresolved(value) ? unresolved : empty;
      if (value.empty() || is_unresolved(value))
        list += (list.empty() ? "" : ", ") + w.name + " (" + w.reference.text + ")";
    }
    if (!unresolved.empty())
      throw fbx::Error(
          FBX_NOT_FOUND, "op left references as they are: " + unresolved,
          "mend the template, or what the field holds: a reference is not followed on");
    if (!empty.empty())
      throw fbx::Error(FBX_NOT_FOUND, "empty in 1Password: " + empty,
                       "give each a value in the 1Password app");
  }

  static WipedText assemble(const TemplateEntry& entry, const Resolved& resolved) {
    WipedText value;
    for (const Piece& piece : entry.pieces)
      value.append(piece.is_reference ? resolved.values.at(piece.reference.text)
                                      : std::string_view(piece.text));
    return value;
  }

  static void judge(const Entries& entries, const Resolved& resolved, Result& result) {
    for (const TemplateEntry& entry : entries)
      for (auto& finding :
           fbx::common::judge_secret(entry.name, assemble(entry, resolved).view(), entry.origin()))
        result.add(std::move(finding));
  }

  // Hands over all of `names`. What is wrong with a value becomes a finding of `result`.
  void provide(const fbx::Op& op, const Names& names, Result& result) const {
    const Entries found = entries(names, &op);
    const Resolved resolved = ask(op, found);
    for (const TemplateEntry& entry : found)
      op.put_secret(entry.name, assemble(entry, resolved).view());
    judge(found, resolved, result);
  }

  void check_all(const fbx::Op& op, Result& result) const {
    const Entries all = entries(all_names(), &op);
    if (const std::string conflict = cli_.conflict(); !conflict.empty())
      result.add({fbx::common::Severity::warning, conflict, "", "unset what is not meant", ""});
    const std::vector<Wanted> wanted = references_of(all);
    const std::string account = cli_.who_am_i(op);
    Resolved resolved;
    if (!wanted.empty()) resolved = cli_.inject(op, wanted);
    refuse_unresolved(wanted, resolved);
    judge(all, resolved, result);
    result.summary(fbx::common::counted(wanted.size(), "reference") + " of " +
                   settings_.file.string() + ", all resolved" +
                   (account.empty() ? "" : ", signed in at " + account));
  }

  Settings settings_;
  OpCli cli_;
};

}  // namespace secrets_1password

FUSEBOX_PLUGIN(secrets_1password::Plugin)
