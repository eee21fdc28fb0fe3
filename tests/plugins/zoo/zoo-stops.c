/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Stops its process, which then is neither there nor gone. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  raise(SIGSTOP);
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
