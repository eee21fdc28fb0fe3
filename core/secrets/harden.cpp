// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "secrets/store.hpp"

namespace fusebox::secrets {

void harden_process() noexcept {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__)
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

}  // namespace fusebox::secrets
