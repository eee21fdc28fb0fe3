/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>
#include "zoo.h"

/* Kills the process that started its own. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  kill(getppid(), SIGKILL);
  for (;;) pause();
  return FBX_OK;
}
ZOO_PLUGIN(run)
