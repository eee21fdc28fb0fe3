// SPDX-License-Identifier: Apache-2.0
#include "file_steps.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>

#include "run/recover.hpp"
#include "util/error.hpp"

namespace fusebox::run::test {

namespace json = boost::json;
namespace fs = std::filesystem;

json::object FileSteps::plan(const std::string&, const json::object&, const plugin::CallContext&) {
  return {};
}

json::object FileSteps::run(const std::string& instance, const json::object&,
                            const plugin::CallContext& context) {
  for (const char* part : {".1", ".2"}) {
    const std::string name = instance + part;
    context.checkpoint(json::serialize(json::object{{"file", name}}));
    std::ofstream(dir_ / name) << "made\n";
    if (*(part + 1) == '1' && during_run) during_run(instance, context);
  }
  return {{"changed", true}, {"release", release}};
}

json::object FileSteps::undo(const std::string& instance, const json::object& request,
                             const plugin::CallContext& context) {
  bool is_first = true;
  for (const json::value& checkpoint : request.at("checkpoints").as_array()) {
    fs::remove(dir_ / std::string(checkpoint.at("file").as_string()));
    if (is_first && during_undo) during_undo(instance, context);
    is_first = false;
  }
  return {};
}

std::set<std::string> FileSteps::files() const {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_)) names.insert(entry.path().filename());
  return names;
}

FileReporter::FileReporter(const fs::path& file) : file_(file) {}

void FileReporter::on_event(const report::Event& event) {
  json::object line = event.data;
  line["type"] = static_cast<int>(event.type);
  std::ofstream(file_, std::ios::app) << json::serialize(line) + "\n" << std::flush;
}

std::vector<json::object> events_in(const fs::path& file, report::EventType type) {
  std::vector<json::object> found;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    json::object event = json::parse(line).as_object();
    if (event.at("type").to_number<int>() == static_cast<int>(type))
      found.push_back(std::move(event));
  }
  return found;
}

Stage::Stage() : state_dir(dir.path() / "state"), steps(dir.path() / "made") {
  fs::create_directory(dir.path() / "made");
}

Environment Stage::environment() {
  return {"stack", state_dir,
          "0.1.0", steps,
          {},      [this] { return std::make_unique<FileReporter>(dir.path() / "events"); },
          timings};
}

RunState Stage::last() const { return show_run(state_dir, "last").state; }

int in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (...) {
      ::_exit(99);
    }
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) < 0) throw std::runtime_error("waitpid failed");
  return status;
}

}  // namespace fusebox::run::test
