/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Judges, and the judgement is bad. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  return zoo_write(result,
                   "{\"status\":\"unhealthy\",\"summary\":\"the lion is loose\","
                   "\"findings\":[{\"severity\":\"error\",\"what\":\"the lion is loose\","
                   "\"evidence\":\"an open gate\",\"remedy\":\"close the gate\"}]}");
}
ZOO_PLUGIN(run)
