/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include "zoo.h"

/* Crashes while it is loaded. */
__attribute__((constructor)) static void at_load(void) { raise(SIGSEGV); }
ZOO_PLUGIN(zoo_answer)
