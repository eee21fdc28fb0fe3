// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

extern "C" {
#include "zoo.h"
}

// Fills its table by hand and lets an exception cross the boundary.
ZOO_RUN(run) {
  (void)self, (void)op, (void)request, (void)result;
  throw std::runtime_error("thrown over the wall");
}
ZOO_PLUGIN(run)
