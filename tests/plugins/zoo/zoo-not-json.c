/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Answers with something else than JSON. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  return zoo_write(result, "all good, trust me");
}
ZOO_PLUGIN(run)
