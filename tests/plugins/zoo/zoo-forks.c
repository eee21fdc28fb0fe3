/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>
#include "zoo.h"

/* Leaves a child behind that holds all that it held, and goes. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  if (fork() == 0) {
    sleep(20);
    _Exit(0);
  }
  _Exit(0);
}
ZOO_PLUGIN(run)
