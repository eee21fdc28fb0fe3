/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.store/1: where generations are kept. A generation exists once its manifest is written,
 * which is the last thing that happens to it; until then no function but abort() knows it.
 *
 * A writer holds the store's lock from begin() to commit() or abort(). The lock is the operating
 * system's and ends with the process; what a process that died had begun is removed by the next
 * begin(). A reader needs no lock.
 */
#ifndef FUSEBOX_STORE_H
#define FUSEBOX_STORE_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FBX_IFACE_STORE "fusebox.store/1"

/* A generation is named by its time in UTC and four hex digits: "20261124T020000Z-7f3a". Wherever a
 * request names one, "latest" is the newest that has no problem: the last one written, whatever
 * the clock said. An unknown one is FBX_NOT_FOUND. */
typedef struct fbx_store_v1 {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */

  /* Begins a generation:
   *   request {"bytes":1234,"stored":567}    how large it will be, before and after compression, as
   *                                          far as can be told; 0: unknown
   *   result  {"generation":"20261124T020000Z-7f3a","where":"...","free":123456,
   *            "swept":["20261123T..."]}     swept: interrupted ones, removed
   * FBX_IO when it would not fit, before anything is written; FBX_CONFLICT while another writer
   * holds the store. [op-thread] */
  fbx_rc (*begin)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Takes one file of a begun generation from `fd`, to its end, and has it on disk when it returns.
   *   request {"generation":"","file":"postgres.dump","compress":true}
   *   result  {"file":"postgres.dump.zst","bytes":1234,"stored_bytes":567,"sha256":"..."}
   * file:   as it is called in the store, which compresses and adds a suffix that says how, unless
   *         `compress` is false: for small texts that a person should be able to read, and for what
   *         comes from a store as it is kept there, whose name has the suffix already
   * sha256: of what is stored, so that `sha256sum` proves it
   * A name is plain: no slash, no leading dot. What was put under it before is replaced: a stream
   * that broke off may come again. [op-thread] */
  fbx_rc (*put)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd, fbx_sink result);

  /* Writes the manifest, and by that makes the generation exist. `manifest` is any JSON object that
   * has "files":[{"file","bytes","stored_bytes","sha256"}] as put() answered; FBX_CONFLICT when
   * these are not the files that are there. The store adds "generation", "time" and "sequence", a
   * number that grows with each. "pin" in the request is as in pin().
   *   request {"generation":"","manifest":{...},"pin":"before the update"}
   *   result  {"generation":"","where":"..."}
   * [op-thread] */
  fbx_rc (*commit)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Removes what was begun and not committed. request {"generation":""} [op-thread] */
  fbx_rc (*abort)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Generations, newest first:
   *   {"generations":[{"generation":"","time":"2026-11-24T02:00:00Z","stored_bytes":567,
   *     "pin":"why" or null,"problem":"why it cannot be used" or null,"manifest":{...}}],
   *    "interrupted":["..."],"where":"...","free":123456}
   * Looks at names and sizes, reads no content; verify() does. [op-thread] */
  fbx_rc (*list)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Writes one file to `fd`, as put() got it, and compares the hash on the way: FBX_FAILED when the
   * content is not what the manifest says, however much was written by then.
   *   request {"generation":"","file":"postgres.dump.zst","stored":false,"from":0}
   *   result  {"bytes":1234}                 that were written
   * stored: true: as it is kept instead, so that the sha256 is of it; for a copy of the generation
   * from:   with `stored`, only what follows so many bytes; the hash is still compared of all
   * [op-thread] */
  fbx_rc (*get)(fbx_instance* self, fbx_op* op, fbx_str request_json, int32_t fd, fbx_sink result);

  /* Re-reads every file from where it is kept and compares size and hash with the manifest.
   *   request {"generation":""}
   *   result  {"generation":"","files":[{"file":"","ok":true,"problem":""}],"bytes":567}
   * FBX_OK whatever it found. [op-thread] */
  fbx_rc (*verify)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Keeps a generation from being removed: request {"generation":"","pin":"why"}; null lets it go.
   * [op-thread] */
  fbx_rc (*pin)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);

  /* Removes a whole generation: at one moment it is there, at the next it is not. FBX_CONFLICT when
   * it is pinned, or a writer holds the store. request {"generation":""}. [op-thread] */
  fbx_rc (*remove)(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result);
} fbx_store_v1;

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_STORE_H */
