/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "zoo.h"

/* Closes every descriptor that it did not open. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  for (int fd = 0; fd < 1024; ++fd) close(fd);
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
