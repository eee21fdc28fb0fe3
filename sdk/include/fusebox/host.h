/* SPDX-License-Identifier: Apache-2.0
 *
 * Services that the host offers to plugins, from fbx_host.get_interface.
 */
#ifndef FUSEBOX_HOST_H
#define FUSEBOX_HOST_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- fusebox.host.secret/1: values, for those who may have them -------------------------------
 */

#define FBX_HOST_SECRET "fusebox.host.secret/1"

typedef struct fbx_host_secret_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Writes the value of `name` to `value`, in one piece. Allowed are the names in the manifest's
   * `secrets` and those that the instance's own configuration refers to; any other is FBX_DENIED.
   * The provider is asked when the value is not there yet. Keep a value no longer than you need
   * it, and wipe it. [any-thread] */
  fbx_rc (*get)(fbx_op* op, fbx_str name, fbx_sink value);

  /* Copies a value into locked memory. Only for plugins that provide fusebox.secrets/1; from then
   * on the redactor hides it everywhere. [any-thread] */
  fbx_rc (*put)(fbx_op* op, fbx_str name, fbx_span value);
} fbx_host_secret_v1;

/* ---- fusebox.host.service/1: what other plugins provide ---------------------------------------
 */

#define FBX_HOST_SERVICE "fusebox.host.service/1"

typedef struct fbx_host_service_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Finds the instance that provides `interface_id` in this stack. `*table` becomes a table of
   * that interface's type, `*self` what to pass as its first argument, both valid while the op is.
   * The interface must stand in the manifest's `requires` or `wants`, else FBX_DENIED;
   * FBX_NOT_FOUND when the stack has no provider. Pass your own op: the call has its deadline and
   * its cancellation, and when it fails, its error is already on your op. Every call through the
   * table is an op of its own on the thread that makes it: several may be in flight at once.
   * [any-thread] */
  fbx_rc (*open)(fbx_op* op, fbx_str interface_id, const void** table, fbx_instance** self);

  /* The names of all instances that provide `interface_id`, sorted: {"instances":["a","b"]}; none
   * is an empty list. For an interface of which a stack may have several, like
   * fusebox.snapshot/1. [any-thread] */
  fbx_rc (*providers)(fbx_op* op, fbx_str interface_id, fbx_sink result);

  /* As open(), for the instance of that name. [any-thread] */
  fbx_rc (*open_instance)(fbx_op* op, fbx_str interface_id, fbx_str instance, const void** table,
                          fbx_instance** self);

  /* Why the last call through `self`, as open() or open_instance() gave it, did not end with
   * FBX_OK: {"code":10,"what":"","hint":""}; {} when it did. Each of these calls gives a `self` of
   * its own, so a plugin that calls from several threads opens once per thread. [any-thread] */
  fbx_rc (*failure)(fbx_op* op, const fbx_instance* self, fbx_sink result);
} fbx_host_service_v1;

/* ---- fusebox.host.process/1: a child process, done right --------------------------------------
 */

#define FBX_HOST_PROCESS "fusebox.host.process/1"

typedef struct fbx_host_process_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Runs a program until it ends, within the op's deadline; cancellation ends it (SIGTERM, then
   * SIGKILL to its whole group). Nothing is inherited but stdin, stdout, stderr and the host's
   * environment.
   *   request {"command":["op","inject"],"cwd":"/abs",
   *            "environment":{"OP_ACCOUNT":"x","TOKEN":{"$secret":"NAME"}},
   *            "unset":["OP_SESSION"],"merge":false}
   *           an environment value is text, a secret's handle, or {"$template":"x:${secret:NAME}"};
   *           merge true: what it writes to stderr goes to `out` too, as it comes
   *   result  {"exit_code":0,"signal":0}
   * command[0] without a slash is looked up in PATH and must stand in the manifest's `programs`.
   * `stdin_bytes` goes to its stdin. Its stdout goes to `out` as it is; its stderr, at most 64 KiB,
   * to `err`, redacted. FBX_OK once it ran, whatever its exit code; FBX_NOT_FOUND when there is no
   * such program. [op-thread] */
  fbx_rc (*run)(fbx_op* op, fbx_str request_json, fbx_span stdin_bytes, fbx_sink out, fbx_sink err,
                fbx_sink result);
} fbx_host_process_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_HOST_H */
