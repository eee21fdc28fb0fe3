// SPDX-License-Identifier: Apache-2.0
// fusebox.observer/1: is told what happens in a run, and cannot change it.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>

#include <fstream>
#include <mutex>

namespace json = boost::json;

class PLUGIN_CLASS : public fbx::Plugin, public fbx::Observer {
 public:
  // The context holds the settings, complete and valid by the manifest.
  explicit PLUGIN_CLASS(std::string_view context) {
    try {
      file_ = json::value_to<std::string>(json::parse(context).at("config").at("file"));
    } catch (const std::exception& error) {
      throw fbx::Error(FBX_CONFIG, std::string("cannot read the settings: ") + error.what(),
                       "compare them with `fusebox plugins info @id@`");
    }
  }

  // Events come on any thread, have two seconds, and are redacted already. Unknown ones will come.
  void event(fbx::Op& op, std::string_view text) override {
    op.check("writing an event");
    const auto event = json::parse(text);
    if (!event.is_object()) throw fbx::Error(FBX_ARGUMENT, "an event must be a JSON object");
    const std::lock_guard lock(mutex_);
    std::ofstream out(file_, std::ios::binary | std::ios::app);
    out << json::serialize(event) << '\n';
    out.close();
    if (!out)
      throw fbx::Error(FBX_IO, "cannot write " + file_,
                       "is its folder there, and yours to write in?");
  }

 private:
  std::mutex mutex_;
  std::string file_;
};
FUSEBOX_PLUGIN(PLUGIN_CLASS)
