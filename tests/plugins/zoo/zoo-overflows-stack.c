/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

static volatile int depth;

static int deeper(volatile char* before) {
  volatile char frame[4096];
  frame[0] = before[0];
  depth = depth + 1;
  return depth < 0 ? 0 : deeper(frame) + frame[0];
}

/* Calls itself until its stack is gone. */
ZOO_RUN(run) {
  volatile char frame[1] = {1};
  (void)self, (void)op, (void)request, (void)result;
  return deeper(frame);
}
ZOO_PLUGIN(run)
