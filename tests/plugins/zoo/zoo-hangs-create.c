/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "zoo.h"

/* Never ends making its instance. */
ZOO_CREATE(create) {
  for (;;) pause();
  return zoo_create(host, op, context, out);
}
ZOO_STEP(zoo_answer, zoo_answer, zoo_answer)
ZOO_ENTRY(create, zoo_destroy, zoo_interface)
