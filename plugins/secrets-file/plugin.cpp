// SPDX-License-Identifier: Apache-2.0
// Secrets from an environment file of mode 0600, which it can also make.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fusebox/plugin.hpp>
#include <utility>

#include "common/dotenv.hpp"
#include "common/json.hpp"
#include "common/result.hpp"
#include "common/secret_rules.hpp"
#include "common/secrets.hpp"
#include "random_value.hpp"
#include "secret_file.hpp"

namespace json = boost::json;
using fbx::common::Dotenv;
using fbx::common::DotenvEntry;
using fbx::common::Names;
using fbx::common::Result;
using fbx::common::WipedText;

namespace secrets_file {

namespace {

constexpr std::string_view new_file_header =
    "# Secrets of this stack. Keep this file at mode 0600 and out of version control.\n"
    "# Made values are made once; changing one later locks the stack out of its own data.\n";

struct Settings {
  std::string file;
  bool generate = false;
  Names generate_names;
  Names generate_hex;
  std::size_t length = 0;
};

Settings read_settings(std::string_view context) {
  const json::object config = fbx::common::parse_context(context).config;
  Settings settings;
  settings.file = fbx::common::need_text(config, "file");
  settings.generate = fbx::common::need_boolean(config, "generate");
  settings.generate_names = fbx::common::names_at(config, "generate_names");
  settings.generate_hex = fbx::common::names_at(config, "generate_hex");
  const std::int64_t length = fbx::common::need_integer(config, "length");
  if (length < 16 || length > 256)
    throw fbx::Error(FBX_CONFIG, "length is " + std::to_string(length) + ", not within 16 to 256",
                     "40 is a good length");
  settings.length = static_cast<std::size_t>(length);
  if (!settings.generate && !settings.generate_names.empty())
    throw fbx::Error(FBX_CONFIG, "generate_names is set, but generate is not",
                     "set generate = true, or remove generate_names");
  return settings;
}

}  // namespace

class Plugin : public fbx::Plugin, public fbx::Step, public fbx::Secrets {
 public:
  explicit Plugin(std::string_view context)
      : settings_(read_settings(context)), file_(settings_.file) {}

  std::string plan(fbx::Op&, std::string_view request) override {
    const Names names = fbx::common::names_of_step(request);
    if (names.empty()) return Result().summary("no secret is needed").json();
    const Dotenv content = parse(file_.read());
    const Names absent = missing(content, names);
    refuse_unmakeable(absent);
    Result result;
    result.summary(count_and_source(names));
    if (absent.size() < names.size())
      result.action("read " + fbx::common::counted(names.size() - absent.size(), "secret") +
                    " from " + settings_.file);
    if (!absent.empty())
      result.action("make " + fbx::common::listed(absent) + " and keep " +
                    (absent.size() == 1 ? "it" : "them") + " in " + settings_.file);
    return result.json();
  }

  std::string run(fbx::Op& op, std::string_view request) override {
    const Names names = fbx::common::names_of_step(request);
    if (names.empty()) return Result().summary("no secret is needed").changed(false).json();
    Result result;
    const Names made = provide(op, names, result);
    result.changed(!made.empty());
    if (made.empty()) return result.summary(count_and_source(names)).json();
    result.artifact("secrets", settings_.file);
    return result.summary(count_and_source(names) + " (made " + fbx::common::listed(made) + ")")
        .json();
  }

  std::string list(fbx::Op&, std::string_view) override {
    const Dotenv content = parse(file_.read());
    json::array secrets;
    for (const std::string& name : on_offer(content)) {
      const DotenvEntry* entry = content.find(name);
      const bool present = entry != nullptr && !entry->value.empty();
      const std::string origin =
          entry == nullptr ? settings_.file + " (made when first needed)" : where(*entry);
      secrets.push_back({{"name", name}, {"origin", origin}, {"present", present}});
    }
    return json::serialize(json::object{{"secrets", std::move(secrets)}});
  }

  std::string resolve(fbx::Op& op, std::string_view request) override {
    Names names = fbx::common::names_of_request(request);
    if (names.empty()) names = on_offer(parse(file_.read()));
    Result ignored;
    provide(op, names, ignored);
    return fbx::common::resolved_json(names);
  }

  std::string check(fbx::Op&, std::string_view) override {
    const std::optional<WipedText> text = file_.read();
    const Dotenv content = parse(text);
    if (!text)
      return Result()
          .judge()
          .summary(settings_.file + " is not there yet; a deploy makes it")
          .json();
    Result result;
    for (const auto& warning : content.warnings)
      result.add(
          {fbx::common::Severity::warning, warning.text, "", "mend that line", settings_.file});
    for (const DotenvEntry& entry : content.entries) {
      for (auto& finding : judge(entry)) result.add(std::move(finding));
      if (entry.value.empty() && !makeable(entry.name))
        result.add({fbx::common::Severity::error, entry.name + " has no value", "",
                    "give it one, or remove the line", where(entry)});
    }
    return result.judge()
        .summary(fbx::common::counted(content.entries.size(), "secret") + " in " + settings_.file +
                 ", which only its owner can read")
        .json();
  }

  std::string template_text(fbx::Op&, std::string_view request) override {
    std::string text =
        "# Secrets of this stack, for the plugin secrets-file.\n"
        "# Fill in what is empty, then: chmod 600 " +
        shell_word(settings_.file) +
        "\n# Put a value in single quotes: NAME='va$lue #1'. Only ' itself is then written \\'\n";
    for (const std::string& name : fbx::common::names_of_request(request))
      text += (makeable(name) ? "# made when first needed: " : "") + name + "=\n";
    return text;
  }

 private:
  std::string where(const DotenvEntry& entry) const {
    return settings_.file + ":" + std::to_string(entry.place.line);
  }

  std::string count_and_source(const Names& names) const {
    return fbx::common::counted(names.size(), "secret") + " from " + settings_.file;
  }

  Dotenv parse(const std::optional<WipedText>& content) const {
    if (!content && settings_.generate) return {};
    if (!content)
      throw fbx::Error(FBX_NOT_FOUND, "there is no " + settings_.file,
                       "make one with `fusebox secrets template`, or set generate = true");
    try {
      return fbx::common::parse_dotenv(content->view(), settings_.file);
    } catch (const fbx::common::DotenvError& e) {
      throw fbx::Error(FBX_CONFIG, e.what(), "mend that line; docs/SECRETS.md has the grammar");
    }
  }

  bool makeable(const std::string& name) const {
    return settings_.generate && (settings_.generate_names.empty() ||
                                  fbx::common::contains(settings_.generate_names, name));
  }

  Names on_offer(const Dotenv& content) const {
    Names names;
    for (const DotenvEntry& entry : content.entries) names.push_back(entry.name);
    for (const std::string& name : settings_.generate_names)
      if (!fbx::common::contains(names, name)) names.push_back(name);
    return names;
  }

  static Names missing(const Dotenv& content, const Names& names) {
    Names absent;
    for (const std::string& name : names) {
      const DotenvEntry* entry = content.find(name);
      if (entry == nullptr || entry->value.empty()) absent.push_back(name);
    }
    return absent;
  }

  void refuse_unmakeable(const Names& absent) const {
    Names refused;
    for (const std::string& name : absent)
      if (!makeable(name)) refused.push_back(name);
    if (refused.empty()) return;
    throw fbx::Error(FBX_NOT_FOUND,
                     settings_.file + " has no value for " + fbx::common::listed(refused),
                     settings_.generate ? "add them to the file, or to generate_names"
                                        : "add them to the file, or set generate = true");
  }

  std::vector<fbx::common::Finding> judge(const DotenvEntry& entry) const {
    return fbx::common::judge_secret(entry.name, entry.value.view(), where(entry));
  }

  // Hands over all of `names`, making what is missing; the names of what was made. What is wrong
  // with a value becomes a finding of `result`.
  Names provide(fbx::Op& op, const Names& names, Result& result) const {
    Dotenv content = parse(file_.read());
    Names made;
    if (!missing(content, names).empty()) {
      refuse_unmakeable(missing(content, names));
      file_.make_folder();
      const FileLock lock(file_.lock_path(), op);
      made = make_missing(names);
      content = parse(file_.read());
    }
    for (const auto& warning : content.warnings)
      if (fbx::common::contains(names, warning.name)) op.log(fbx::Level::warn, warning.text);
    for (const std::string& name : names) {
      const DotenvEntry& entry = *content.find(name);
      op.put_secret(name, entry.value.view());
      for (auto& finding : judge(entry)) result.add(std::move(finding));
    }
    return made;
  }

  // Under the lock, so it looks again: another run may have made them meanwhile.
  Names make_missing(const Names& names) const {
    std::optional<WipedText> old = file_.read();
    Names absent = missing(parse(old), names);
    refuse_unmakeable(absent);
    if (absent.empty()) return absent;
    WipedText content = old ? std::move(*old) : WipedText(new_file_header);
    if (!content.empty() && content.view().back() != '\n') content.push_back('\n');
    for (const std::string& name : absent) {
      const WipedText value = fbx::common::contains(settings_.generate_hex, name)
                                  ? random_hex_key()
                                  : random_alphanumeric(settings_.length);
      content.append(fbx::common::dotenv_line(name, value.view()).view());
    }
    file_.replace(content);
    return absent;
  }

  Settings settings_;
  SecretFile file_;
};

}  // namespace secrets_file

FUSEBOX_PLUGIN(secrets_file::Plugin)
