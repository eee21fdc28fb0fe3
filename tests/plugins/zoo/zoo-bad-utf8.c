/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Answers with bytes that are no UTF-8, and logs some. */
ZOO_RUN(run) {
  (void)self, (void)request;
  zoo_host->log(op, FBX_LOG_INFO, zoo_str("bell \a, escape \033[2J, broken \xff\xfe"));
  return zoo_write(result, "{\"summary\":\"broken \xff\xfe\"}");
}
ZOO_PLUGIN(run)
