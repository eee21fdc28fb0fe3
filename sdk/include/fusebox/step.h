/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.step/1: what a pipeline is made of. Every plugin that appears in a phase provides it.
 */
#ifndef FUSEBOX_STEP_H
#define FUSEBOX_STEP_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_STEP "fusebox.step/1"

/* Request (JSON object), the same for all three functions:
 *   {"verb":"up","phase":"deploy","run":"<id>","with":{...},"secrets":["NAME",...]}
 * `with` holds the verb's options, valid by the manifest and with defaults filled in. `run` is ""
 * while planning. `secrets` names every secret that the plan needs, so that a provider can resolve
 * them all in one go.
 *
 * Once a run has left a release on record, all three also get it:
 *   "release":     {"time":"","run":"","phase":"","fusebox":"","release":{...}}
 *
 * undo() gets two fields more:
 *   "result":      what run() wrote, or null when it failed or the process died within it
 *   "checkpoints": all that run() gave to fbx_host.checkpoint, in order
 *
 * Result (JSON object, every field optional, others kept and shown):
 *   summary    one line for a person
 *   status     "healthy" | "degraded" | "unhealthy", where the step judges
 *   findings   [{"severity":"info|warning|error","what":"","evidence":"","remedy":"","where":""}]
 *   metrics    {"name":{"value":1.5,"unit":"ms"}}
 *   artifacts  [{"kind":"","path":""}]: what it made
 *   changed    bool: did it change anything
 *   release    flat object: versions, digests, schema versions. When the whole run goes well, those
 * of all its steps are merged and put on record plan() answers with the same vocabulary plus
 *   actions    ["start postgres (port 15432)", ...]: what run() would do, one line each
 */
typedef struct fbx_step_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Says what run() would do. Has no effect at all. [op-thread] */
  fbx_rc (*plan)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Does it. Doing it twice is no error: what is already so stays, and `changed` is false.
   * A plugin that judges answers FBX_OK with a status; the host makes the exit code of it.
   * [op-thread] */
  fbx_rc (*run)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Brings back what was before run(), using result and checkpoints. Called after run() succeeded
   * and a later step failed, after run() itself failed, and after the process died in run(), in
   * another process. Must be safe to call again. FBX_REFUSED when going back would do harm
   * (data has moved on): then nothing before this step is undone either, and the operator is told
   * to decide. NULL when no verb can be undone. [op-thread] */
  fbx_rc (*undo)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);
} fbx_step_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_STEP_H */
