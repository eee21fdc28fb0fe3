// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

extern "C" {
#include "zoo.h"
}

// Lets an exception out of the function that makes its instance.
ZOO_CREATE(create) {
  (void)host, (void)op, (void)context, (void)out;
  throw std::runtime_error("thrown over the wall");
}
ZOO_STEP(zoo_answer, zoo_answer, zoo_answer)
ZOO_ENTRY(create, zoo_destroy, zoo_interface)
