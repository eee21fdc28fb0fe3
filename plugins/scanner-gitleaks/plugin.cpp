// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fusebox/plugin.hpp>

#include "scan.hpp"
#include "security/security.hpp"

namespace fusebox::scan {

namespace common = fbx::common;

class ScannerGitleaks final : public fbx::Plugin, public fbx::Step {
 public:
  explicit ScannerGitleaks(std::string_view text) : context_(common::parse_context(text)) {}

  std::string plan(fbx::Op& op, std::string_view text) override {
    const common::StepRequest step = common::parse_step_request(text);
    if (is_security(step)) return plan_security(op, security_request(step));
    const ScanRequest request = requested(step);
    common::Result result;
    result.action(fmt::format("look for secrets in {}", source_text(request)));
    return result.json();
  }

  std::string run(fbx::Op& op, std::string_view text) override {
    const common::StepRequest step = common::parse_step_request(text);
    if (is_security(step)) return run_security(op, security_request(step));
    const ScanRequest request = requested(step);
    const Report report = run_scan(op, request);
    note_incidents(op, request, report);
    return scan_result(op, request, report);
  }

 private:
  static bool is_security(const common::StepRequest& step) {
    return step.verb.starts_with("security-");
  }
  SecurityRequest security_request(const common::StepRequest& step) const {
    return {step, scan_path(context_, step), context_.config_dir, own_program(),
            rules_options(context_)};
  }
  ScanRequest requested(const common::StepRequest& request) const {
    if (request.verb != "scan")
      throw fbx::Error(FBX_UNSUPPORTED, fmt::format("there is no verb \"{}\"", request.verb));
    return scan_request(context_, request);
  }

  common::Context context_;
};

}  // namespace fusebox::scan

FUSEBOX_PLUGIN(fusebox::scan::ScannerGitleaks)
