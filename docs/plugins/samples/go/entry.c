/* SPDX-License-Identifier: Apache-2.0
 *
 * The entry and the tables are data, which Go cannot export: C holds them and calls the Go
 * functions.
 */
#include <fusebox/step.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

struct fbx_instance {
  const fbx_host* host;
};

static fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context, fbx_instance** out) {
  (void)context;
  static const fbx_str what = {"no memory for an instance", 25};
  static const fbx_str hint = {"", 0};
  fbx_instance* self = malloc(sizeof(*self));
  if (self == NULL) return host->fail(op, FBX_NOMEM, what, hint);
  self->host = host;
  *out = self;
  return FBX_OK;
}

static void destroy(fbx_instance* self) { free(self); }

static fbx_rc plan(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  return gopher_plan((fbx_host*)self->host, op, request, result);
}
static fbx_rc run(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  return gopher_run((fbx_host*)self->host, op, request, result);
}

static const fbx_step_v1 step = {sizeof(fbx_step_v1), 0, plan, run, NULL};

static const void* get_interface(fbx_instance* self, fbx_str id) {
  (void)self;
  const size_t n = strlen(FBX_IFACE_STEP);
  return id.len == n && memcmp(id.ptr, FBX_IFACE_STEP, n) == 0 ? &step : NULL;
}

/* manifest.inc is the manifest's bytes, made by build.sh. */
static const char manifest[] = {
#include "manifest.inc"
    , 0};
static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, manifest, create, destroy, get_interface};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0, &plugin};
