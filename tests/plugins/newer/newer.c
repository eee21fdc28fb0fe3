/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin as a later minor version's header would have it built: each record has grown at its
 * tail. It asks FBX_HAS() before it uses what this host lacks.
 */
#include <fusebox/step.h>
#include <string.h>

extern const char fusebox_manifest_text[];

struct host_of_tomorrow {
  fbx_host today;
  fbx_rc (*added)(fbx_op* op, fbx_str text);
};
struct step_of_tomorrow {
  fbx_step_v1 today;
  void (*added)(void);
};
struct plugin_of_tomorrow {
  fbx_plugin today;
  void (*added)(void);
};

static const fbx_host* host;
static int self;

static fbx_rc answer(fbx_instance* instance, fbx_op* op, fbx_str request, fbx_sink result) {
  (void)instance, (void)request;
  const struct host_of_tomorrow* tomorrow = (const struct host_of_tomorrow*)(const void*)host;
  const size_t needed = offsetof(struct host_of_tomorrow, added) + sizeof(tomorrow->added);
  if (host->struct_size >= needed && tomorrow->added != NULL) {
    const fbx_str text = {"a newer host", 12};
    return tomorrow->added(op, text);
  }
  static const char text[] = "{\"summary\":\"does without what this host lacks\"}";
  const fbx_span bytes = {(const uint8_t*)text, sizeof(text) - 1};
  return result.write(result.ctx, bytes);
}

static void added(void) {}

static fbx_rc create(const fbx_host* h, fbx_op* op, fbx_str context, fbx_instance** out) {
  (void)op, (void)context;
  host = h;
  *out = (fbx_instance*)(void*)&self;
  return FBX_OK;
}
static void destroy(fbx_instance* instance) { (void)instance; }

static const struct step_of_tomorrow step = {
    {sizeof(struct step_of_tomorrow), 0, answer, answer, answer}, added};

static const void* get_interface(fbx_instance* instance, fbx_str id) {
  (void)instance;
  const size_t n = strlen(FBX_IFACE_STEP);
  return id.len == n && memcmp(id.ptr, FBX_IFACE_STEP, n) == 0 ? &step : NULL;
}

static const struct plugin_of_tomorrow plugin = {
    {sizeof(struct plugin_of_tomorrow), 0, fusebox_manifest_text, create, destroy, get_interface},
    added};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR + 1, 0,
                                           &plugin.today};
