// SPDX-License-Identifier: Apache-2.0
// `--json`: one object per event and line, for programs. docs/JSON.md is the reference.
#pragma once

#include "report/event.hpp"
#include "report/output.hpp"

namespace fusebox::report {

class JsonLines : public Reporter {
 public:
  explicit JsonLines(int fd) : output_(fd) {}
  void on_event(const Event& event) override;

 private:
  Output output_;
};

}  // namespace fusebox::report
