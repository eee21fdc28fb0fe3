// SPDX-License-Identifier: Apache-2.0
// The verbs security-init, security-test, security-audit, security-log and security-rotate.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "common/json.hpp"
#include "common/result.hpp"
#include "engine/scanner.hpp"
#include "scan_request.hpp"
#include "security/repository.hpp"

namespace fusebox::scan {

struct SecurityRequest {
  fbx::common::StepRequest step;
  std::filesystem::path folder;   // in the repository
  std::filesystem::path stack;    // the configuration's folder
  std::filesystem::path program;  // this fusebox
  RulesOptions rules;
};

// The step's answer. Throws fbx::Error.
std::string run_security(fbx::Op& op, const SecurityRequest& request);
// What security-init would do.
std::string plan_security(fbx::Op& op, const SecurityRequest& request);

// Where this fusebox runs from; "" where the system does not tell.
std::filesystem::path own_program();

// Keeps what a scan of a repository has found (incidents.hpp). A log that cannot be written is a
// warning: the findings themselves matter more.
void note_incidents(const fbx::Op& op, const ScanRequest& request, const Report& report);

// One per verb.
fbx::common::Result security_init(const Repository& repository, const SecurityRequest& request);
fbx::common::Result security_test(fbx::Op& op, const Repository& repository,
                                  const SecurityRequest& request);
fbx::common::Result security_audit(fbx::Op& op, const Repository& repository,
                                   const SecurityRequest& request);
fbx::common::Result security_log(const Repository& repository, const SecurityRequest& request);
fbx::common::Result security_rotate(const Repository& repository);

// What the containers of the stack's runtime have in their environments.
void audit_environments(fbx::Op& op, const SecurityRequest& request, fbx::common::Result& result);

}  // namespace fusebox::scan
