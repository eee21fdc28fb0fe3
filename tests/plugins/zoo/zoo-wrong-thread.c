/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

#include <pthread.h>

static void* elsewhere(void* op) {
  zoo_host->checkpoint((fbx_op*)op, zoo_str("{}"));
  return NULL;
}

/* Calls an [op-thread] function from a thread of its own. */
ZOO_RUN(run) {
  pthread_t thread;
  (void)self, (void)request;
  if (pthread_create(&thread, NULL, elsewhere, op) != 0) return FBX_NOMEM;
  pthread_join(thread, NULL);
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
