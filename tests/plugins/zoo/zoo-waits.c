/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include "zoo.h"
/* Waits for its cancellation, as a good plugin does. */
ZOO_RUN(run) {
  struct pollfd cancel = {zoo_host->cancel_fd(op), POLLIN, 0};
  (void)self, (void)request, (void)result;
  poll(&cancel, 1, (int)zoo_host->remaining_ms(op));
  if (zoo_host->remaining_ms(op) == 0)
    return zoo_host->fail(op, FBX_TIMEOUT, zoo_str("waited until the deadline"), zoo_str(""));
  return zoo_host->fail(op, FBX_CANCELLED, zoo_str("stopped waiting"), zoo_str(""));
}
ZOO_PLUGIN(run)
