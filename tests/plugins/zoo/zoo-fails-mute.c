/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Fails without a word. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  return FBX_IO;
}
ZOO_PLUGIN(run)
