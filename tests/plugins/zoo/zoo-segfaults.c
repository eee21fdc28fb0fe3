/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"
/* Reads through a null pointer. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  raise(SIGSEGV);
  return FBX_OK;
}
ZOO_PLUGIN(run)
