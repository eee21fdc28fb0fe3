/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/resource.h>
#include "zoo.h"

/* Takes all memory there is, here a gigabyte, and cannot do without more. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  const struct rlimit gigabyte = {UINT64_C(1) << 30, UINT64_C(1) << 30};
  setrlimit(RLIMIT_AS, &gigabyte);
  for (;;) {
    char* block = malloc(UINT64_C(32) << 20);
    block[0] = 1;
  }
  return FBX_OK;
}
ZOO_PLUGIN(run)
