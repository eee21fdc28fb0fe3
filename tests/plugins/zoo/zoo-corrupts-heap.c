/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "zoo.h"

/* Frees what is free. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  char* volatile block = malloc(100);
  char* volatile same = block;
  free(block);
  free(same);
  abort(); /* an allocator may let it pass */
}
ZOO_PLUGIN(run)
