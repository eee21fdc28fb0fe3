/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Answers with a code that nobody defined. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  return -5;
}
ZOO_PLUGIN(run)
