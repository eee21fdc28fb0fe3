// SPDX-License-Identifier: Apache-2.0
// runtime-orbstack: runs the stack's services as a Docker Compose project in OrbStack on macOS.
#include <fusebox/plugin.hpp>

#include "common/compose/bridge.hpp"
#include "common/compose/verbs.hpp"
#include "common/compose_runtime/runtime.hpp"
#include "orb.hpp"

namespace runtime_orbstack {
namespace {

namespace compose = fbx::compose;
namespace common = fbx::common;

class RuntimeOrbstack : public fbx::Plugin,
                        public fbx::Step,
                        public fbx::compose_runtime::ComposeRuntime {
 public:
  explicit RuntimeOrbstack(std::string_view context_json)
      : RuntimeOrbstack(common::parse_context(context_json)) {}

  std::string plan(fbx::Op& op, std::string_view request) override {
    return verbs_.plan(op, request);
  }
  std::string run(fbx::Op& op, std::string_view request) override {
    const auto verb = common::parse_step_request(request).verb;
    const bool needs_engine =
        verb == "preflight" || verb == "pull" || verb == "up" || verb == "start";
    if (starts_engine_ && needs_engine)
      make_known(op, {verbs_.settings().engine, verbs_.settings().context});
    return verbs_.run(op, request);
  }
  std::string undo(fbx::Op& op, std::string_view request) override {
    return verbs_.undo(op, request);
  }

 private:
  explicit RuntimeOrbstack(const common::Context& context)
      : RuntimeOrbstack(context, compose::read_settings(context)) {}
  RuntimeOrbstack(const common::Context& context, const compose::Settings& settings)
      : ComposeRuntime(project_of(context, settings)),
        starts_engine_(common::need_boolean(context.config, "start_engine")),
        verbs_(settings,
               starts_engine_ ? compose::StartEngine(start_engine) : compose::StartEngine()) {}

  static fbx::compose_runtime::Project project_of(const common::Context& context,
                                                  const compose::Settings& settings) {
    auto project = compose::runtime_project(settings);
    if (common::need_boolean(context.config, "domains"))
      project.url = [name = settings.project](const auto& service, const auto& labels,
                                              std::uint16_t target) {
        return domain_url(name, service, labels, target);
      };
    return project;
  }

  bool starts_engine_;
  compose::Verbs verbs_;
};

}  // namespace
}  // namespace runtime_orbstack

FUSEBOX_PLUGIN(runtime_orbstack::RuntimeOrbstack)
