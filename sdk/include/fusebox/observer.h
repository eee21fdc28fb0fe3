/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.observer/1: is told what happens in a run. An observer cannot stop or change a run; what
 * goes wrong in one is a warning.
 */
#ifndef FUSEBOX_OBSERVER_H
#define FUSEBOX_OBSERVER_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_OBSERVER "fusebox.observer/1"

typedef struct fbx_observer_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* One event, redacted: the same JSON object that `--json` prints (docs/JSON.md). Has two
   * seconds. [op-thread] */
  fbx_rc (*event)(fbx_instance* self, fbx_op* op, fbx_str event_json);
} fbx_observer_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_OBSERVER_H */
