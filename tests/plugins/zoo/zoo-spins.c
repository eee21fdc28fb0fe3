/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Computes for ever, deaf to every signal. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  for (volatile unsigned i = 0;; i = i + 1) {
  }
  return FBX_OK;
}
ZOO_PLUGIN(run)
