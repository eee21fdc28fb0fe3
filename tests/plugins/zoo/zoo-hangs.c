/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "zoo.h"
/* Never returns, whatever it is asked. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  for (;;) pause();
  return FBX_OK;
}
ZOO_PLUGIN(run)
