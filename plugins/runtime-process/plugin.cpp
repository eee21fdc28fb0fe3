// SPDX-License-Identifier: Apache-2.0
// runtime-process: runs the stack's services as plain processes of this machine.
#include <fusebox/plugin.hpp>

#include "inspect.hpp"
#include "logs.hpp"
#include "settings.hpp"
#include "staged.hpp"
#include "verbs.hpp"
#include "volumes.hpp"

namespace runtime_process {
namespace {

class RuntimeProcess : public fbx::Plugin, public fbx::Step, public fbx::Runtime {
 public:
  explicit RuntimeProcess(std::string_view context_json) : settings_(read_settings(context_json)) {}

  std::string plan(fbx::Op& op, std::string_view request) override {
    return plan_verb(op, settings_, request);
  }
  std::string run(fbx::Op& op, std::string_view request) override {
    return run_verb(op, settings_, request);
  }
  std::string undo(fbx::Op& op, std::string_view request) override {
    return undo_verb(op, settings_, request);
  }

  std::string services(fbx::Op& op, std::string_view request) override {
    return list_services(op, settings_, request);
  }
  std::string endpoint(fbx::Op&, std::string_view request) override {
    return find_endpoint(settings_, request);
  }
  std::string exec(fbx::Op& op, std::string_view request, int in, int out, int err) override {
    return exec_beside(op, settings_, request, in, out, err);
  }
  void logs(fbx::Op& op, std::string_view request, const fbx::Sink& ndjson) override {
    stream_logs(op, settings_, request, ndjson);
  }
  std::string stats(fbx::Op& op, std::string_view request) override {
    return sample_stats(op, settings_, request);
  }
  std::string volumes(fbx::Op& op, std::string_view request) override {
    return list_volumes(op, settings_, request);
  }
  std::string volume_export(fbx::Op& op, std::string_view request, int fd) override {
    return export_volume(op, settings_, request, fd);
  }
  std::string volume_import(fbx::Op& op, std::string_view request, int fd) override {
    return import_volume(op, settings_, request, fd);
  }
  std::string volume_stage(fbx::Op& op, std::string_view request, int fd) override {
    return stage_volume(op, settings_, request, fd);
  }
  std::string volume_turn(fbx::Op& op, std::string_view request) override {
    return turn_volume(op, settings_, request);
  }

 private:
  Settings settings_;
};

}  // namespace
}  // namespace runtime_process

FUSEBOX_PLUGIN(runtime_process::RuntimeProcess)
