/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox plugin ABI, major version 1. This header is the specification.
 * Pure C11, no dependency. docs/ABI.md states the promise; the short form:
 *
 *   - A record only grows at its tail. `struct_size` is its first field; a reader asks FBX_HAS()
 *     before it touches a field, a callee that finds non-zero bytes it does not know answers
 *     FBX_UNSUPPORTED.
 *   - What is passed in is borrowed until the call returns. What goes out is written into a sink
 *     that the receiver gave. Nobody frees the other side's memory. A file descriptor stays the
 *     property of the side that gave it.
 *   - A call is bytes in and bytes out (plus descriptors), so that it could travel over a socket.
 *   - No exception, longjmp or signal handler crosses this boundary.
 *
 * Every function pointer carries exactly one thread tag:
 *
 *   [serial]           never two [serial] calls of one instance at once; on any thread.
 *   [op-thread]        on the thread that runs this op. Several ops may be in flight on one
 *                      instance, each on its own thread, so an instance guards what they share.
 *   [any-thread]       at any time, on any thread, as long as its op (if any) has not returned.
 *   [no-op-in-flight]  only while no op is running on this instance.
 */
#ifndef FUSEBOX_PLUGIN_H
#define FUSEBOX_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions -------------------------------------------------------------------------------- */

/* "FBXE", read as a little-endian 32-bit number: marks a fusebox entry record. */
#define FBX_MAGIC UINT32_C(0x45584246)

/* Counts the additions made to major version 1. The symbol's name carries the major version. */
#define FBX_ABI_MINOR UINT32_C(0)

/* True when the record at `p` is long enough to hold `field`. */
#define FBX_HAS(p, field)      \
  ((size_t)(p)->struct_size >= \
   (size_t)((const char*)&(p)->field - (const char*)(p)) + sizeof((p)->field))

/* ---- Values ---------------------------------------------------------------------------------- */

/* Borrowed UTF-8, not terminated. `ptr` may be NULL only when `len` is 0. */
typedef struct fbx_str {
  const char* ptr;
  uint64_t len; /* bytes */
} fbx_str;

/* Borrowed bytes. `ptr` may be NULL only when `len` is 0. */
typedef struct fbx_span {
  const uint8_t* ptr;
  uint64_t len; /* bytes */
} fbx_span;

/* The plugin's own state for one configured use of it. Opaque to the host. */
typedef struct fbx_instance fbx_instance;

/* One call in flight. Owned by the host; valid until the plugin's function returns. Log, error,
 * cancellation and deadline hang on it, so that neither side needs globals or thread-locals. */
typedef struct fbx_op fbx_op;

/* Where a callee writes its answer. May be called several times; the pieces are concatenated.
 * A result other than FBX_OK means that the receiver wants no more: stop and return that code. */
typedef struct fbx_sink {
  void* ctx;
  int32_t (*write)(void* ctx, fbx_span bytes); /* [op-thread] */
} fbx_sink;

/* ---- Result codes ---------------------------------------------------------------------------- */

/* Fixed width, never a C enum in a signature: an enum's size is the compiler's choice.
 * A code tells the operator's next move; the text goes through fbx_host.fail. */
typedef int32_t fbx_rc;

#define FBX_OK INT32_C(0)
#define FBX_ARGUMENT INT32_C(1)    /* the call itself is wrong: a bug in the caller            */
#define FBX_CONFIG INT32_C(2)      /* mend the configuration                                   */
#define FBX_UNSUPPORTED INT32_C(3) /* this side does not know how: update, or use another      */
#define FBX_NOT_FOUND INT32_C(4)   /* the thing named does not exist                           */
#define FBX_DENIED INT32_C(5)      /* sign in, or get the permission                           */
#define FBX_UNAVAILABLE INT32_C(6) /* not now; the host may try again with back-off            */
#define FBX_TIMEOUT INT32_C(7)     /* the deadline passed                                      */
#define FBX_CANCELLED INT32_C(8)   /* the operator asked to stop                               */
#define FBX_CONFLICT INT32_C(9)    /* something else holds it, or it is not in the right state */
#define FBX_IO INT32_C(10)         /* disk, network or process failed                          */
#define FBX_NOMEM INT32_C(11)      /* memory ran out                                           */
#define FBX_INTERNAL INT32_C(12)   /* a bug in this side                                       */
#define FBX_FAILED INT32_C(13)     /* it ran, and the answer is no: unhealthy, findings        */
#define FBX_SKIPPED INT32_C(14)    /* soft skip: what it needs is absent (exit code 75)        */
#define FBX_REFUSED INT32_C(15)    /* undo only: going back would do harm, so undo stops here  */

/* ---- The host, as a plugin sees it ----------------------------------------------------------- */

#define FBX_LOG_DEBUG INT32_C(0)
#define FBX_LOG_INFO INT32_C(1)
#define FBX_LOG_WARN INT32_C(2)
#define FBX_LOG_ERROR INT32_C(3)

typedef struct fbx_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* the host's FBX_ABI_MINOR */

  /* A host service ("fusebox.host.<name>/<revision>", see host.h) or NULL. Lives as long as the
   * host. [any-thread] */
  const void* (*get_interface)(fbx_op* op, fbx_str id);

  /* One line for the run's log. The host redacts secrets, and replaces control characters and
   * invalid UTF-8. [any-thread] */
  void (*log)(fbx_op* op, int32_t level, fbx_str message);

  /* The detail of a result that is not FBX_OK: what failed, on what and why; then what the
   * operator does next. Call once before returning `rc`; the last call counts. Both texts are
   * copied. Returns `rc`, so that a plugin can write `return host->fail(...)`. A result without
   * fail() is reported as a bug of the plugin. [any-thread] */
  fbx_rc (*fail)(fbx_op* op, fbx_rc rc, fbx_str what, fbx_str hint);

  /* How far: `done` of `total` (0: unknown) in `unit` ("bytes", "services", ...), and what is
   * being done. Cheap; the host thins it out. [any-thread] */
  void (*progress)(fbx_op* op, uint64_t done, uint64_t total, fbx_str unit, fbx_str what);

  /* Non-zero once the op should end: cancelled, or past its deadline. [any-thread] */
  int32_t (*cancelled)(fbx_op* op);

  /* A descriptor that turns readable when cancelled() turns non-zero by the operator's wish; for
   * poll(). Never read from it or close it. [any-thread] */
  int32_t (*cancel_fd)(fbx_op* op);

  /* Milliseconds until the deadline, 0 when it has passed, -1 when there is none. [any-thread] */
  int64_t (*remaining_ms)(fbx_op* op);

  /* Makes `json` (one JSON object) part of the run's journal, on disk before this returns. Call it
   * BEFORE an effect, with what undo would need: undo receives all of a step's checkpoints in
   * order, even when the process was killed in the middle of run(). FBX_UNSUPPORTED outside a
   * run. [op-thread] */
  fbx_rc (*checkpoint)(fbx_op* op, fbx_str json);
} fbx_host;

/* ---- The plugin, as the host sees it --------------------------------------------------------- */

typedef struct fbx_plugin {
  uint32_t struct_size;
  uint32_t flags; /* none are defined: 0 */

  /* The bytes of <id>.fusebox.toml, terminated. The host refuses a library whose text differs
   * from the file beside it. */
  const char* manifest_toml;

  /* Makes an instance and stores it in `*out`. Cheap: no network, no child process, no file but
   * its own. `context_json` is one object:
   *   {"instance":"web","stack":"langfuse-prod","config_dir":"/abs",
   *    "config_file":"/abs/fusebox.toml","state_dir":"/abs","versions":"/abs/versions.lock",
   *    "scratch":"langfuse-prod-drill","live_state_dir":"/abs","config":{...}}
   * `config` is complete and valid by the manifest's schema, with defaults filled in. A secret in
   * it is a handle, {"$secret":"NAME"}, never a value. `state_dir` belongs to this instance alone
   * and need not exist yet. `versions` is there when the stack has such a file. `scratch` is
   * there when the services are not the live stack's, but run beside it for a while: all that a
   * runtime names after the stack (processes, folders, projects) it names after this instead, and
   * it takes free ports. `live_state_dir` comes with it: the state_dir of the same instance in the
   * live stack. `host` outlives the instance. [serial] */
  fbx_rc (*create)(const fbx_host* host, fbx_op* op, fbx_str context_json, fbx_instance** out);

  /* Ends an instance. Must not fail and must not block. [no-op-in-flight] */
  void (*destroy)(fbx_instance* self);

  /* The table of a service interface that the manifest provides, or NULL. Static data.
   * [any-thread] */
  const void* (*get_interface)(fbx_instance* self, fbx_str id);
} fbx_plugin;

/* The only symbol that a plugin exports. It is data: the host checks it before it runs a line of
 * the plugin. One library may export _v1 and a later _v2 side by side. */
typedef struct fbx_entry {
  uint32_t magic;       /* FBX_MAGIC */
  uint32_t struct_size; /* sizeof(fbx_entry) */
  uint32_t abi_minor;   /* FBX_ABI_MINOR of the header it was built with */
  uint32_t reserved;    /* 0 */
  const fbx_plugin* plugin;
} fbx_entry;

#if defined(__GNUC__)
#define FBX_EXPORT __attribute__((visibility("default")))
#else
#define FBX_EXPORT
#endif

extern FBX_EXPORT const fbx_entry fusebox_plugin_entry_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_PLUGIN_H */
