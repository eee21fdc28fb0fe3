/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include "zoo.h"

static fbx_sink place;

static void* elsewhere(void* nothing) {
  zoo_write(place, "{}");
  return nothing;
}

/* Writes its result from a thread of its own. */
ZOO_RUN(run) {
  pthread_t thread;
  (void)self, (void)op, (void)request;
  place = result;
  if (pthread_create(&thread, NULL, elsewhere, NULL) != 0) return FBX_NOMEM;
  pthread_join(thread, NULL);
  return FBX_OK;
}
ZOO_PLUGIN(run)
