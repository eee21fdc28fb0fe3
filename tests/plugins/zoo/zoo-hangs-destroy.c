/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>
#include "zoo.h"

/* Never ends ending. */
static void destroy(fbx_instance* self) {
  (void)self;
  for (;;) pause();
}
ZOO_STEP(zoo_answer, zoo_answer, zoo_answer)
ZOO_ENTRY(zoo_create, destroy, zoo_interface)
