/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Is never available: only this is tried again. */
ZOO_RUN(run) {
  (void)self, (void)request, (void)result;
  return zoo_host->fail(op, FBX_UNAVAILABLE, zoo_str("the zoo is closed"),
                        zoo_str("come back later"));
}
ZOO_PLUGIN(run)
