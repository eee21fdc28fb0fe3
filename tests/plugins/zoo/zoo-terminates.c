/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>
#include "zoo.h"

/* Asks its own process to end. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  kill(getpid(), SIGTERM);
  for (;;) pause();
  return FBX_OK;
}
ZOO_PLUGIN(run)
