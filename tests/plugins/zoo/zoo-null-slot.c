/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"
/* Has a table without its main function. */
ZOO_PLUGIN(NULL)
