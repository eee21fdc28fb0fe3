/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include "zoo.h"
/* Ends the whole process. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  abort();
}
ZOO_PLUGIN(run)
