/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Fails, and crashes when that is to be undone. */
ZOO_RUN(run) {
  (void)self, (void)request, (void)result;
  return zoo_host->fail(op, FBX_IO, zoo_str("the cage is empty"), zoo_str("look for the lion"));
}
ZOO_RUN(undo) {
  raise(SIGSEGV);
  return zoo_answer(self, op, request, result);
}
ZOO_STEP(zoo_answer, run, undo)
ZOO_ENTRY(zoo_create, zoo_destroy, zoo_interface)
