// SPDX-License-Identifier: Apache-2.0
// fusebox.runtime/1 for a Compose project, by the Engine API alone: no query starts a process.
#pragma once

#include <string>
#include <string_view>

#include "common/compose_runtime/project.hpp"

namespace fbx::compose_runtime {

// What a plugin derives from. Methods take and give what runtime.h says; ops may run at once.
class ComposeRuntime : public Runtime {
 public:
  explicit ComposeRuntime(Project project) : project_(std::move(project)) {}

  std::string services(Op& op, std::string_view request) override;
  std::string endpoint(Op& op, std::string_view request) override;
  std::string exec(Op& op, std::string_view request, int in, int out, int err) override;
  void logs(Op& op, std::string_view request, const Sink& ndjson) override;
  std::string stats(Op& op, std::string_view request) override;
  std::string volumes(Op& op, std::string_view request) override;
  std::string volume_export(Op& op, std::string_view request, int fd) override;
  std::string volume_import(Op& op, std::string_view request, int fd) override;
  std::string volume_stage(Op& op, std::string_view request, int fd) override;
  std::string volume_turn(Op& op, std::string_view request) override;

 private:
  Project project_;
};

}  // namespace fbx::compose_runtime
