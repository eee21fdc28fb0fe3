/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Crashes when it is asked what it would do. */
ZOO_RUN(plan) {
  raise(SIGSEGV);
  return zoo_answer(self, op, request, result);
}
ZOO_STEP(plan, zoo_answer, zoo_answer)
ZOO_ENTRY(zoo_create, zoo_destroy, zoo_interface)
