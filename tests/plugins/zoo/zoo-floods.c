/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Writes a result without end, deaf to the sink. */
ZOO_RUN(run) {
  static char chunk[1 << 20];
  (void)self, (void)op, (void)request;
  memset(chunk, 'x', sizeof chunk - 1);
  for (int i = 0; i < 64; ++i) zoo_write(result, chunk);
  return FBX_OK;
}
ZOO_PLUGIN(run)
