/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include "zoo.h"

/* Writes to streams that are not its own, and closes one. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  puts("a line on stdout");
  fputs("a line on stderr\n", stderr);
  fflush(stdout);
  fclose(stdout);
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
