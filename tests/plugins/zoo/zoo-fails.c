/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Fails as the ABI wants it. */
ZOO_RUN(run) {
  (void)self, (void)request, (void)result;
  return zoo_host->fail(op, FBX_IO, zoo_str("the disk of the zoo is full"),
                        zoo_str("feed fewer animals"));
}
ZOO_PLUGIN(run)
