/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Makes a checkpoint of something that is no JSON. */
ZOO_RUN(run) {
  (void)self, (void)request, (void)result;
  return zoo_host->checkpoint(op, zoo_str("the lion was here"));
}
ZOO_PLUGIN(run)
