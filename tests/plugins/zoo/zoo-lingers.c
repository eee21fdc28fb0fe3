/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

static fbx_op* last;

/* Keeps its op and uses that of the call before. */
ZOO_RUN(run) {
  (void)self, (void)request;
  if (last != NULL) {
    zoo_host->log(last, FBX_LOG_INFO, zoo_str("from the grave"));
    zoo_host->fail(last, FBX_IO, zoo_str("from the grave"), zoo_str(""));
    if (!zoo_host->cancelled(last) || zoo_host->cancel_fd(last) != -1)
      return zoo_host->fail(op, FBX_INTERNAL, zoo_str("a closed op looks alive"), zoo_str(""));
  }
  last = op;
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
