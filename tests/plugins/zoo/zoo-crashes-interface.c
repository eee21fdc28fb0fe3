/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Crashes when it is asked for its table. */
static const void* get_interface(fbx_instance* self, fbx_str id) {
  raise(SIGSEGV);
  return zoo_no_interface(self, id);
}
ZOO_ENTRY(zoo_create, zoo_destroy, get_interface)
