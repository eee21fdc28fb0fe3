/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.snapshot/1: what can capture a part of the stack as one stream of bytes. A stack has as
 * many providers as it has kinds of data. What keeps the streams is fusebox.store/1.
 *
 * Bytes flow through descriptors. A provider never holds a stream in memory, and writes the format
 * that the data's own tools read: a pg_dump archive, an RDB file, a tar.
 */
#ifndef FUSEBOX_SNAPSHOT_H
#define FUSEBOX_SNAPSHOT_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_SNAPSHOT "fusebox.snapshot/1"

typedef struct fbx_snapshot_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* What there is to capture, without capturing it:
   *   {"sources":[{"name":"postgres","kind":"postgres","file":"postgres.dump","service":"postgres",
   *     "order":100,"pause":["worker"],"offline":false,"bytes":1234,
   *     "by_hand":["createdb ...","pg_restore ..."]}]}
   * name:    unique in the stack: the instance's name, or one that begins with it
   * file:    what the stream is called in a generation, without the store's own suffix
   * order:   smaller is captured earlier. Rows that name an object come before the objects
   * pause:   services that should not write meanwhile; whether they do is the pipeline's business
   * offline: turn() needs the service stopped
   * bytes:   an estimate of the stream's size, for the check of room up front; 0: unknown
   * by_hand: how a person restores the stream with the data's own tools, one command per entry
   * FBX_SKIPPED when its service is optional and cannot run here. [op-thread] */
  fbx_rc (*sources)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Writes the state of a source at ONE moment to `fd`, to its end. Only FBX_OK makes what was
   * written a capture: after any other result the receiver throws it away, for a stream that was
   * cut off ends like a whole one.
   *   request {"source":"postgres"}
   *   result  {"version":"17.2","counts":{"public.projects":3},"facts":{...},"left_out":[],
   *            "digests":{"public.projects":"..."}}
   * counts: of that same moment, by table, database or "objects"; compared after a restore
   * digests: of content, by the same names, equal for equal content whatever its order on disk;
   *         optional, also by name
   * facts:  flat; what a restore must know besides (schema version, owner, ...)
   * left_out: what belongs to the source and is not in the stream, one text each; told as warnings
   * [op-thread] */
  fbx_rc (*capture)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                    fbx_sink result);

  /* Reads a captured stream to its end and judges whether it can be restored, without touching
   * the stack's data. FBX_FAILED with what is wrong when it cannot.
   *   request {"source":"postgres","counts":{...},"facts":{...}}      as capture() gave them
   *   result  {"checked":"41 entries of a pg_dump archive"}
   * [op-thread] */
  fbx_rc (*inspect)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                    fbx_sink result);

  /* Restores a stream beside the live data, which stays untouched and in use.
   *   request {"source":"postgres","tag":"20261124t0200007f3a","counts":{...},"facts":{...}}
   *   result  {"counts":{...}}                  of what is staged now, counted there
   * tag: lower-case letters and digits; names everything that this restore creates, and what an
   *      earlier call with the same tag left is replaced. FBX_FAILED, with nothing of the tag left,
   *      when the stream cannot be restored whole. [op-thread] */
  fbx_rc (*stage)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd,
                  fbx_sink result);

  /* Says which data of a tag is live. May be repeated, also after it was interrupted anywhere, and
   * then ends in the same state.
   *   request {"source":"postgres","tag":"...","to":"new"}
   * to "new":     the staged data is live; the old is kept beside it. FBX_NOT_FOUND when nothing
   *               is staged
   *    "old":     the old data is live and nothing of the tag is left, wherever stage() or
   *               turn("new") had come to. Nothing of the tag at all: FBX_OK, nothing to do
   *    "settled": after "new": the old data is removed; nothing of the tag is left but the live
   * FBX_CONFLICT while the service runs, when the source is `offline` and data would move; also for
   * "old" after "settled" began, for then the old data is no longer whole. [op-thread] */
  fbx_rc (*turn)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Counts what is live, in capture()'s terms:
   *   request {"source":"postgres","facts":{...},"digests":true}
   *   result  {"counts":{...},"digests":{...}}      digests only when asked for
   * Of a generation's counts and facts, so that a restore is compared with what was captured.
   * [op-thread] */
  fbx_rc (*count)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);
} fbx_snapshot_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_SNAPSHOT_H */
