/* SPDX-License-Identifier: Apache-2.0 */
#include <fusebox/observer.h>
#include <signal.h>
#include "zoo.h"

/* Crashes at the first event that it sees. */
static fbx_rc event(fbx_instance* self, fbx_op* op, fbx_str json) {
  (void)self, (void)op, (void)json;
  raise(SIGSEGV);
  return FBX_OK;
}

ZOO_STEP(zoo_answer, zoo_answer, zoo_answer)

static const void* get_interface(fbx_instance* self, fbx_str id) {
  static const fbx_observer_v1 table = {sizeof(fbx_observer_v1), 0, event};
  const void* step = zoo_interface(self, id);
  return step != NULL ? step : &table;
}
ZOO_ENTRY(zoo_create, zoo_destroy, get_interface)
