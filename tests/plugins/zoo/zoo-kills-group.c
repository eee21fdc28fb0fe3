/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>
#include "zoo.h"

/* Kills its process group. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  kill(0, SIGKILL);
  for (;;) pause();
  return FBX_OK;
}
ZOO_PLUGIN(run)
