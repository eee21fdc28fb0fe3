/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include "zoo.h"

static void* visit(void* op) {
  for (int i = 0; i < 50; ++i) {
    char line[32];
    snprintf(line, sizeof line, "visit %d", i);
    zoo_host->log((fbx_op*)op, FBX_LOG_INFO, zoo_str(line));
    zoo_host->progress((fbx_op*)op, (uint64_t)i, 50, zoo_str("visits"), zoo_str(line));
  }
  return NULL;
}

/* Does nothing wrong: it uses its op from many threads, and waits for them. */
ZOO_RUN(run) {
  pthread_t threads[40];
  (void)self, (void)request;
  for (int i = 0; i < 40; ++i)
    if (pthread_create(&threads[i], NULL, visit, op) != 0) return FBX_NOMEM;
  for (int i = 0; i < 40; ++i) pthread_join(threads[i], NULL);
  return zoo_write(result, "{\"summary\":\"2000 visits\"}");
}
ZOO_PLUGIN(run)
