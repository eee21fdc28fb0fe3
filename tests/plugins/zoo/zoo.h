/* SPDX-License-Identifier: Apache-2.0
 *
 * What a well-behaved plugin of one verb needs, so that each hostile one is just its misdeed.
 */
#ifndef ZOO_H
#define ZOO_H

#include <fusebox/host.h>
#include <fusebox/step.h>
#include <string.h>

extern const char fusebox_manifest_text[];

static const fbx_host* zoo_host;
static int zoo_self;

static inline fbx_str zoo_str(const char* text) {
  fbx_str s = {text, strlen(text)};
  return s;
}

static inline fbx_rc zoo_write(fbx_sink sink, const char* text) {
  fbx_span bytes = {(const uint8_t*)text, strlen(text)};
  return sink.write(sink.ctx, bytes);
}

static inline fbx_rc zoo_answer(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  (void)self, (void)op, (void)request;
  return zoo_write(result, "{}");
}

static inline fbx_rc zoo_create(const fbx_host* host, fbx_op* op, fbx_str context,
                                fbx_instance** out) {
  (void)op, (void)context;
  zoo_host = host;
  *out = (fbx_instance*)&zoo_self;
  return FBX_OK;
}

static inline void zoo_destroy(fbx_instance* self) { (void)self; }

static inline const void* zoo_no_interface(fbx_instance* self, fbx_str id) {
  (void)self, (void)id;
  return NULL;
}

/* A plugin whose only verb runs `run_function`. */
#define ZOO_PLUGIN(run_function)                                                                \
  static const fbx_step_v1 zoo_step = {sizeof(fbx_step_v1), 0, zoo_answer, run_function,        \
                                       zoo_answer};                                             \
  static const void* zoo_interface(fbx_instance* self, fbx_str id) {                            \
    (void)self;                                                                                 \
    return id.len == strlen(FBX_IFACE_STEP) && memcmp(id.ptr, FBX_IFACE_STEP, id.len) == 0      \
               ? &zoo_step                                                                      \
               : NULL;                                                                          \
  }                                                                                             \
  static const fbx_plugin zoo_record = {sizeof(fbx_plugin), 0,           fusebox_manifest_text, \
                                        zoo_create,         zoo_destroy, zoo_interface};        \
  const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0,    \
                                             &zoo_record};

/* The head of a run function. */
#define ZOO_RUN(name) \
  static fbx_rc name(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result)

#endif
