// SPDX-License-Identifier: Apache-2.0
// fusebox.step/1: plan() says what would be done, run() does it, undo() takes it back.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace json = boost::json;

namespace {

std::string text_of(const json::value& object, const char* field) {
  return json::value_to<std::string>(object.at(field));
}

}  // namespace

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Step {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      const auto config = json::parse(context).at("config");
      file_ = text_of(config, "file");
      text_ = text_of(config, "text");
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  std::string plan(fbx::Op&, std::string_view request) override {
    require_verb(request);
    json::array actions;
    if (!is_written()) actions.push_back(json::string("write " + file_));
    return json::serialize(json::object{{"summary", "would write a note"}, {"actions", actions}});
  }

  std::string run(fbx::Op& op, std::string_view request) override {
    require_verb(request);
    op.check("writing the note");
    if (is_written())
      return json::serialize(
          json::object{{"summary", "the note is there already"}, {"changed", false}});
    // Before the effect: what undo() needs, even when this process dies right after.
    op.checkpoint(json::serialize(json::object{{"file", file_}, {"before", before()}}));
    write(text_);
    op.log(fbx::Level::info, "wrote " + file_);
    return json::serialize(json::object{{"summary", "wrote the note"}, {"changed", true}});
  }

  // May be called in another process, without run()'s result, and again.
  std::string undo(fbx::Op&, std::string_view request) override {
    const auto asked = json::parse(request);
    const auto* saved = asked.as_object().if_contains("checkpoints");
    if (saved == nullptr || !saved->is_array() || saved->get_array().empty()) return "{}";
    const auto& before = saved->get_array().front().at("before");
    if (before.is_null())
      std::remove(file_.c_str());
    else
      write(json::value_to<std::string>(before));
    return R"({"summary":"took the note back","changed":true})";
  }

 private:
  static void require_verb(std::string_view request) {
    const auto asked = json::parse(request);
    const auto* verb = asked.as_object().if_contains("verb");
    if (verb == nullptr || *verb != "write")
      throw fbx::Error(FBX_UNSUPPORTED, "there is no such verb", "the manifest lists them");
  }
  // What is in the file; null when there is none.
  json::value before() const {
    std::ifstream in(file_, std::ios::binary);
    if (!in) return nullptr;
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return json::value(text);
  }
  bool is_written() const { return before() == json::value(text_); }
  void write(const std::string& text) const {
    std::ofstream out(file_, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out)
      throw fbx::Error(FBX_IO, "cannot write " + file_,
                       "is its folder there, and yours to write in?");
  }

  std::string file_;
  std::string text_;
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
