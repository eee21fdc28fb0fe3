// SPDX-License-Identifier: Apache-2.0
// fusebox.step/1 of the plugins that drive Docker Compose.
#pragma once

#include <fusebox/plugin.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "common/compose/project.hpp"
#include "common/compose/settings.hpp"

namespace fbx::compose {

// Stateless but for its settings: any number of calls at once.
class Verbs {
 public:
  explicit Verbs(Settings settings, StartEngine start_engine = {})
      : settings_(std::move(settings)), start_engine_(std::move(start_engine)) {}

  std::string plan(Op& op, std::string_view request) const;
  std::string run(Op& op, std::string_view request) const;
  std::string undo(Op& op, std::string_view request) const;

  const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
  StartEngine start_engine_;
  std::unique_ptr<Memo> memo_ = std::make_unique<Memo>();
};

}  // namespace fbx::compose
