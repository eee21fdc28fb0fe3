/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Crashes while its instance is made. */
ZOO_CREATE(create) {
  raise(SIGSEGV);
  return zoo_create(host, op, context, out);
}
ZOO_STEP(zoo_answer, zoo_answer, zoo_answer)
ZOO_ENTRY(create, zoo_destroy, zoo_interface)
