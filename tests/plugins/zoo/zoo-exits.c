/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "zoo.h"
/* Leaves as if all were well. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  _Exit(0);
}
ZOO_PLUGIN(run)
