// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <fusebox/plugin.hpp>

#include "scan.hpp"

namespace fusebox::scan {

namespace common = fbx::common;

class ScannerGitleaks final : public fbx::Plugin, public fbx::Step {
 public:
  explicit ScannerGitleaks(std::string_view text) : context_(common::parse_context(text)) {}

  std::string plan(fbx::Op&, std::string_view text) override {
    const ScanRequest request = requested(common::parse_step_request(text));
    common::Result result;
    result.action(fmt::format("look for secrets in {}", source_text(request)));
    return result.json();
  }

  std::string run(fbx::Op& op, std::string_view text) override {
    const ScanRequest request = requested(common::parse_step_request(text));
    return scan_result(op, request, run_scan(op, request));
  }

 private:
  ScanRequest requested(const common::StepRequest& request) const {
    if (request.verb != "scan")
      throw fbx::Error(FBX_UNSUPPORTED, fmt::format("there is no verb \"{}\"", request.verb));
    return scan_request(context_, request);
  }

  common::Context context_;
};

}  // namespace fusebox::scan

FUSEBOX_PLUGIN(fusebox::scan::ScannerGitleaks)
