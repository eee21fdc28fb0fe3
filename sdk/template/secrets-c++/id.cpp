// SPDX-License-Identifier: Apache-2.0
// fusebox.secrets/1: values go into the host's locked memory, and nowhere else.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace json = boost::json;
namespace fs = std::filesystem;

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Secrets {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      folder_ = json::value_to<std::string>(json::parse(context).at("config").at("folder"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  std::string list(fbx::Op&, std::string_view) override {
    json::array secrets;
    for (const auto& name : names())
      secrets.push_back(
          json::object{{"name", name}, {"origin", path(name).string()}, {"present", true}});
    return json::serialize(json::object{{"secrets", secrets}});
  }

  // All or nothing: every name is looked for before a value is handed over.
  std::string resolve(fbx::Op& op, std::string_view request) override {
    auto wanted = requested(request);
    if (wanted.empty()) wanted = names();
    std::string missing;
    for (const auto& name : wanted)
      if (!is_there(name)) missing += (missing.empty() ? "" : ", ") + name;
    if (!missing.empty())
      throw fbx::Error(FBX_NOT_FOUND, folder_.string() + " has no file for " + missing,
                       "write a file of that name, with the value and nothing else");
    for (const auto& name : wanted) {
      op.check("reading secrets");
      const auto value = read(name);
      op.put_secret(name, value.view());
    }
    return json::serialize(json::object{{"resolved", json::value_from(wanted)}});
  }

  std::string check(fbx::Op&, std::string_view) override {
    const auto all = names();
    for (const auto& name : all) read(name);
    return json::serialize(json::object{
        {"summary", std::to_string(all.size()) + (all.size() == 1 ? " secret" : " secrets") +
                        " can be read in " + folder_.string()},
        {"status", "healthy"}});
  }

  std::string template_text(fbx::Op&, std::string_view request) override {
    std::string text = "# One file for each, in " + folder_.string() + ", mode 0600:\n";
    for (const auto& name : requested(request)) text += name + "\n";
    return text;
  }

 private:
  static std::vector<std::string> requested(std::string_view request) {
    const auto asked = json::parse(request);
    const auto* list = asked.as_object().if_contains("names");
    return list == nullptr ? std::vector<std::string>{}
                           : json::value_to<std::vector<std::string>>(*list);
  }
  // A name with a slash would lead out of the folder.
  bool is_there(const std::string& name) const {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
           fs::is_regular_file(path(name));
  }
  fs::path path(const std::string& name) const { return folder_ / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder_, none))
      if (is_there(entry.path().filename().string()))
        found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
  // Into memory that is wiped.
  fbx::Secret read(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    fbx::Secret value;
    char byte = 0;
    while (in.get(byte)) value.append({&byte, 1});
    if (!in.eof())
      throw fbx::Error(FBX_DENIED, "cannot read " + path(name).string(), "is it yours to read?");
    return value;
  }

  fs::path folder_;
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
