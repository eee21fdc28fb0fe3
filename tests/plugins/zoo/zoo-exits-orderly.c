/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include "zoo.h"

/* Ends the process as a program does, with all that is to be done then. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  fputs("the lion leaves\n", stderr);
  exit(3);
}
ZOO_PLUGIN(run)
