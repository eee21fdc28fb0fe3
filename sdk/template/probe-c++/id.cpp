// SPDX-License-Identifier: Apache-2.0
// A probe: a step without an effect that judges. FBX_OK and a status; the host makes the exit code.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>

#include <filesystem>

namespace json = boost::json;
namespace fs = std::filesystem;

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Step {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      const auto config = json::parse(context).at("config");
      file_ = json::value_to<std::string>(config.at("file"));
      min_bytes_ = json::value_to<std::uint64_t>(config.at("min_bytes"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  std::string plan(fbx::Op&, std::string_view request) override {
    require_verb(request);
    return json::serialize(
        json::object{{"summary", "would look at " + file_},
                     {"actions", json::array{json::string("look at " + file_)}}});
  }

  std::string run(fbx::Op& op, std::string_view request) override {
    require_verb(request);
    op.check("looking at the file");
    std::error_code problem;
    const auto bytes = fs::file_size(file_, problem);
    if (problem) return unhealthy(file_ + " is not there: " + problem.message(), "make it");
    if (bytes < min_bytes_)
      return unhealthy(file_ + " holds " + std::to_string(bytes) + " bytes, less than " +
                           std::to_string(min_bytes_),
                       "find out what stopped writing it");
    return json::serialize(json::object{
        {"summary", file_ + " is there"},
        {"status", "healthy"},
        {"metrics", json::object{{"size", json::object{{"value", bytes}, {"unit", "bytes"}}}}}});
  }

 private:
  static void require_verb(std::string_view request) {
    const auto asked = json::parse(request);
    const auto* verb = asked.as_object().if_contains("verb");
    if (verb == nullptr || *verb != "check")
      throw fbx::Error(FBX_UNSUPPORTED, "there is no such verb", "the manifest lists them");
  }
  static std::string unhealthy(const std::string& what, const char* remedy) {
    return json::serialize(json::object{
        {"summary", what},
        {"status", "unhealthy"},
        {"findings",
         json::array{json::object{{"severity", "error"}, {"what", what}, {"remedy", remedy}}}}});
  }

  std::string file_;
  std::uint64_t min_bytes_ = 1;
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
