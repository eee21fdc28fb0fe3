// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fusebox::cli {

class Context;

// Resolves the secrets that are known to exist, so that the redactor knows what to hide in text of
// services. Makes none. What cannot be resolved is warned about: in the worst hour, logs matter.
void load_secrets_for_redaction(Context& context);

}  // namespace fusebox::cli
