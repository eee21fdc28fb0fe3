/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Talks without end. */
ZOO_RUN(run) {
  (void)self, (void)request, (void)result;
  for (;;) zoo_host->log(op, FBX_LOG_DEBUG, zoo_str("and then"));
  return FBX_OK;
}
ZOO_PLUGIN(run)
