/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Gives its answer twice. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  zoo_write(result, "{\"summary\":\"once\"}");
  return zoo_write(result, "{\"summary\":\"twice\"}");
}
ZOO_PLUGIN(run)
