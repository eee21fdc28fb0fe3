/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.runtime/1: whatever keeps the stack's services alive: processes, a container engine, a
 * cluster. Nothing here assumes one host, a local socket, or that a volume is a local folder.
 * Bringing services up and down are verbs of fusebox.step/1: up, down, start, stop, restart and,
 * where there is something to fetch, pull.
 */
#ifndef FUSEBOX_RUNTIME_H
#define FUSEBOX_RUNTIME_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_RUNTIME "fusebox.runtime/1"

/* A request may always name services: {"services":["postgres"]}; an empty or absent list means
 * all. An unknown name is FBX_NOT_FOUND. */
typedef struct fbx_runtime_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* What should run and what does:
   *   {"services":[{"name":"postgres","state":"running","health":"healthy","id":"4711",
   *     "started_at":"2026-11-23T10:00:00Z","restarts":0,"exit_code":null,"version":"15.18",
   *     "ports":[{"name":"postgres","host":"127.0.0.1","port":15432,"target":5432}],
   *     "depends_on":[]}]}
   * state:  "running" | "exited" | "missing" | "paused" | "restarting" | "created"
   * health: "healthy" | "starting" | "unhealthy" | "none" (it has no check of its own)
   * Every expected service is listed, also one that is missing. Optional are
   * `version`, `image` (what it runs), `reason` (one line on why it is not well) and `one_shot`
   * (true: it ends by itself, and is well when it ended with 0). [op-thread] */
  fbx_rc (*services)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Where this process reaches a service:
   *   request {"service":"postgres","port":5432}     port 0: its first
   *   result  {"host":"127.0.0.1","port":15432,"url":"http://..."}   url where one is known
   * FBX_UNAVAILABLE when the service does not run; FBX_SKIPPED when it never will, because it is
   * optional and this machine lacks what it needs. [op-thread] */
  fbx_rc (*endpoint)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Runs a program beside a service, in its environment:
   *   request {"service":"postgres","command":["psql","-U","postgres"],"tty":false,
   *            "environment":{"PGPASSWORD":{"$secret":"POSTGRES_PASSWORD"}}}
   *   result  {"exit_code":0}
   * The descriptors are the program's stdin, stdout and stderr; -1 means /dev/null. FBX_OK once it
   * ran, whatever its exit code. [op-thread] */
  fbx_rc (*exec)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t stdin_fd,
                 int32_t stdout_fd, int32_t stderr_fd, fbx_sink result);

  /* Log lines, oldest first, one JSON object and '\n' each:
   *   request {"services":[],"follow":false,"tail":100,"since":"10m"}
   *           tail -1: all; since: a duration back from now, or RFC 3339; both optional
   *   result  {"service":"redis","time":"2026-11-23T10:00:00.123Z","stream":"stdout","line":"..."}
   * With follow it ends by cancellation, with FBX_OK. [op-thread] */
  fbx_rc (*logs)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink ndjson);

  /* One sample:
   *   {"services":[{"name":"redis","cpu_percent":0.3,"memory_bytes":1234,"processes":1}]}
   * cpu_percent: of one core, over the sampling time (at most a second). [op-thread] */
  fbx_rc (*stats)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Data volumes, with sizes:
   *   {"volumes":[{"name":"postgres","service":"postgres","bytes":1234,"files":56,"where":"..."}]}
   * `files` is left out where only reading all of it could tell.
   * `where` is text for a person; nobody may open it as a path. [op-thread] */
  fbx_rc (*volumes)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Writes a volume's whole content to `fd` as a POSIX tar (pax) stream, with numeric owners,
   * modes, times, links and extended attributes; paths are relative to the volume's root.
   *   request {"volume":"postgres","live":false}
   *   result  {"files":56,"bytes":1234}        bytes: of file content
   * FBX_CONFLICT while its service runs, unless `live` is true. That is right only for data whose
   * files are written once and renamed into place: one that goes meanwhile may be missing. When a
   * file changed under the stream, so that it cannot be finished, it fails with FBX_UNAVAILABLE,
   * and another one may go well. [op-thread] */
  fbx_rc (*volume_export)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                          fbx_sink result);

  /* Fills an EMPTY volume from such a stream, with owners and modes; FBX_CONFLICT when the volume
   * holds anything or its service runs. Entries that would leave the volume (absolute, "..",
   * through a link) fail the call, and what was written is removed.
   *   request {"volume":"postgres"}
   *   result  {"files":56,"bytes":1234}
   * [op-thread] */
  fbx_rc (*volume_import)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                          fbx_sink result);

  /* As volume_import(), but beside the volume's live content, into a place that only `tag` names
   * (lower-case letters and digits); the service may run. What the tag had staged is replaced. Such
   * places are no part of what volume_export() writes and volumes() counts.
   *   request {"volume":"minio","tag":"..."}
   *   result  {"files":56,"bytes":1234}
   * [op-thread] */
  fbx_rc (*volume_stage)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                         fbx_sink result);

  /* Which content of the volume is live. May be repeated, also after it was interrupted anywhere.
   *   request {"volume":"minio","tag":"...","to":"new"}        "new", "old" or "settled"
   * With the meaning and the codes of fbx_snapshot_v1.turn: FBX_CONFLICT when content would move
   * and a service that uses the volume runs. [op-thread] */
  fbx_rc (*volume_turn)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);
} fbx_runtime_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_RUNTIME_H */
