// SPDX-License-Identifier: Apache-2.0
// runtime-docker: runs the stack's services as a Docker Compose project on any Docker engine.
#include <fusebox/plugin.hpp>

#include "common/compose/bridge.hpp"
#include "common/compose/verbs.hpp"
#include "common/compose_runtime/runtime.hpp"

namespace runtime_docker {
namespace {

namespace compose = fbx::compose;

class RuntimeDocker : public fbx::Plugin,
                      public fbx::Step,
                      public fbx::compose_runtime::ComposeRuntime {
 public:
  explicit RuntimeDocker(std::string_view context_json)
      : RuntimeDocker(compose::read_settings(fbx::common::parse_context(context_json))) {}

  std::string plan(fbx::Op& op, std::string_view request) override {
    return verbs_.plan(op, request);
  }
  std::string run(fbx::Op& op, std::string_view request) override {
    return verbs_.run(op, request);
  }
  std::string undo(fbx::Op& op, std::string_view request) override {
    return verbs_.undo(op, request);
  }

 private:
  explicit RuntimeDocker(const compose::Settings& settings)
      : ComposeRuntime(compose::runtime_project(settings)), verbs_(settings) {}

  compose::Verbs verbs_;
};

}  // namespace
}  // namespace runtime_docker

FUSEBOX_PLUGIN(runtime_docker::RuntimeDocker)
