// SPDX-License-Identifier: Apache-2.0
// The smallest plugin with an effect: it makes a file, and undo removes it if this run made it.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

class SampleTouch : public fbx::Plugin, public fbx::Step, public fbx::Observer {
 public:
  explicit SampleTouch(std::string_view context) {
    const json::object config = json::parse(context).at("config").as_object();
    folder_ = std::string_view(config.at("folder").as_string());
    greeting_ = std::string_view(config.at("greeting").as_string());
    observe_ = config.at("observe").as_bool();
  }

  std::string plan(fbx::Op&, std::string_view request) override {
    const fs::path file = target(request);
    json::array actions;
    if (!fs::exists(file)) actions.emplace_back("make " + file.filename().string());
    return json::serialize(json::object{{"actions", actions}});
  }

  std::string run(fbx::Op& op, std::string_view request) override {
    const fs::path file = target(request);
    if (fs::exists(file)) return R"({"changed":false,"summary":"was there"})";
    op.checkpoint(json::serialize(json::object{{"made", file.string()}}));
    if (!(std::ofstream(file) << greeting_))
      throw fbx::Error(FBX_IO, "cannot write " + file.string(), "make the folder");
    return R"({"changed":true,"summary":"made it"})";
  }

  std::string undo(fbx::Op&, std::string_view request) override {
    const json::object asked = json::parse(request).as_object();
    if (asked.at("with").at("fail_undo").as_bool())
      throw fbx::Error(FBX_IO, "the file clings to its folder", "remove it by hand");
    for (const json::value& checkpoint : asked.at("checkpoints").as_array())
      fs::remove(std::string_view(checkpoint.at("made").as_string()));
    return R"({"summary":"removed it"})";
  }

  void event(fbx::Op&, std::string_view event) override {
    if (observe_) std::ofstream(folder_ / "events.jsonl", std::ios::app) << event << '\n';
  }

 private:
  fs::path target(std::string_view request) const {
    return folder_ / std::string_view(json::parse(request).at("with").at("file").as_string());
  }
  fs::path folder_;
  std::string greeting_;
  bool observe_ = false;
};

}  // namespace

FUSEBOX_PLUGIN(SampleTouch)
