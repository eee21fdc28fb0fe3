// SPDX-License-Identifier: Apache-2.0
// Undo: from the checkpoints alone, for the process that wrote them may have been killed at any
// point. Each is taken back only as far as the record shows that this very run did it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fusebox/plugin.hpp>

#include "lifecycle.hpp"
#include "request.hpp"
#include "verbs.hpp"

namespace runtime_process {
namespace {

namespace json = boost::json;

class Undo {
 public:
  Undo(fbx::Op& op, const Settings& settings, std::string run)
      : settings_(settings), scene_{settings, std::move(run), Wait(op)} {}

  void take_back(const json::object& step) {
    if (const auto* name = step.if_contains(checkpoint::start))
      take_back_start(std::string(name->as_string()));
    else if (const auto* stopped = step.if_contains(checkpoint::stop))
      take_back_stop(std::string(stopped->as_string()), step);
    else if (const auto* volume = step.if_contains(checkpoint::create_volume))
      take_back_volume(std::string(volume->as_string()));
  }

  const std::vector<std::string>& done() const { return done_; }

 private:
  void take_back_start(const std::string& name) {
    // A start may be under way although its process is not on record yet: stop_service waits, but
    // must not stop what another run started.
    const auto before = read_record(settings_.state_dir, name);
    if (before && before->run != scene_.run && before->running()) return;
    const bool stopped = stop_service(scene_, name);
    const auto record = read_record(settings_.state_dir, name);
    if (!record || record->run != scene_.run) return;
    forget_service(settings_, name);
    remove_tree(settings_.run_dir(name));
    if (stopped) done_.push_back("stopped " + name);
  }

  void take_back_stop(const std::string& name, const json::object& step) {
    // One that was only told to stop will be gone in a moment.
    if (status_of(settings_, name).state == State::running && !is_stopping(settings_, name)) return;
    stop_service(scene_, name);
    const Definition definition = definition_from_json(step.at("definition").as_object());
    if (!fs::exists(definition.data))
      throw fbx::Error(FBX_CONFLICT, fmt::format("cannot start {} again: its data is gone", name),
                       "restore a backup");
    const Scene before{settings_, string_at(step, "run"), scene_.wait};
    start_service(before, definition);
    wait_ready(before, definition);
    done_.push_back("started " + name + " again");
  }

  void take_back_volume(const std::string& name) {
    const std::string init = name + ".init";
    stop_service(scene_, init);
    forget_service(settings_, init);
    if (volume_run(settings_, name) != scene_.run) return;
    remove_volume(settings_, name);
    done_.push_back("removed the data of " + name);
  }

  const Settings& settings_;
  Scene scene_;
  std::vector<std::string> done_;
};

}  // namespace

std::string undo_verb(fbx::Op& op, const Settings& settings, std::string_view text) {
  const json::object request = parse_request(text);
  Undo undo(op, settings, string_at(request, "run"));
  const json::value* list = request.if_contains("checkpoints");
  std::optional<fbx::Error> failure;
  if (list != nullptr && list->is_array()) {
    const json::array& steps = list->as_array();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      try {
        if (step->is_object()) undo.take_back(step->as_object());
      } catch (const fbx::Error& e) {  // one that cannot be taken back must not keep the others
        if (!failure) failure = e;
      }
    }
  }
  if (failure) throw *failure;
  if (!undo.done().empty()) remove_empty_folders(settings);
  const auto& done = undo.done();
  return json::serialize(json::object{
      {"summary", done.empty() ? "nothing to undo" : fmt::format("{}", fmt::join(done, ", "))},
      {"changed", !done.empty()}});
}

}  // namespace runtime_process
