/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.secrets/1: turns names into values, straight into the host's locked memory.
 */
#ifndef FUSEBOX_SECRETS_H
#define FUSEBOX_SECRETS_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_SECRETS "fusebox.secrets/1"

typedef struct fbx_secrets_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* The names on offer and where each comes from, never a value and without signing in:
   *   request {}
   *   result  {"secrets":[{"name":"SALT","origin":"op://Prod/langfuse/salt","present":true}]}
   * `present` is left out where only signing in could tell. [op-thread] */
  fbx_rc (*list)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Resolves in one go and hands each value to fbx_host_secret_v1.put:
   *   request {"names":["SALT",...]}         an empty list means: all that list() names
   *   result  {"resolved":["SALT",...]}
   * All or nothing: when one name cannot be resolved, it fails and names every such one.
   * [op-thread] */
  fbx_rc (*resolve)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Signs in and proves that every name could be resolved, without keeping a value:
   *   request {}
   *   result  the step vocabulary (summary, status, findings), see step.h
   * [op-thread] */
  fbx_rc (*check)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* A template of this provider's source, to fill in: plain text, no value in it.
   *   request {"names":["SALT",...]}
   * [op-thread] */
  fbx_rc (*template_text)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink text);
} fbx_secrets_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_SECRETS_H */
