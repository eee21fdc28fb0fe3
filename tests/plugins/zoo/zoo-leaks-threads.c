/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <unistd.h>
#include "zoo.h"

static void* chatter(void* op) {
  for (;;) {
    zoo_host->log((fbx_op*)op, FBX_LOG_INFO, zoo_str("still here"));
    zoo_host->cancelled((fbx_op*)op);
    usleep(1000);
  }
  return NULL;
}

/* Leaves threads behind that go on using its op. */
ZOO_RUN(run) {
  (void)self, (void)request;
  for (int i = 0; i < 4; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, chatter, op) != 0) return FBX_NOMEM;
    pthread_detach(thread);
  }
  usleep(20000);
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
