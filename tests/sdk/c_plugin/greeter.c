/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole plugin in plain C: one verb that greets, one that fails with a reason.
 */
#include <fusebox/plugin.h>
#include <fusebox/step.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char fusebox_manifest_text[]; /* from fusebox_add_plugin() */

struct fbx_instance {
  const fbx_host* host;
  char whom[64];
};

static fbx_str str(const char* text) { return (fbx_str){text, strlen(text)}; }

static bool equals(fbx_str a, const char* b) {
  return a.len == strlen(b) && memcmp(a.ptr, b, (size_t)a.len) == 0;
}

static fbx_rc write_text(fbx_sink sink, const char* text) {
  return sink.write(sink.ctx, (fbx_span){(const uint8_t*)text, strlen(text)});
}

/* Copies the value of `key` out of one flat JSON object: enough here; a real plugin uses a library.
 */
static bool json_text(fbx_str json, const char* key, char* out, size_t size) {
  char pattern[32];
  const int length = snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
  if (length < 0 || (size_t)length >= sizeof(pattern)) return false;
  for (uint64_t i = 0; i + (uint64_t)length < json.len; ++i) {
    if (memcmp(json.ptr + i, pattern, (size_t)length) != 0) continue;
    size_t n = 0;
    for (uint64_t j = i + (uint64_t)length; j < json.len && json.ptr[j] != '"'; ++j) {
      if (n + 1 >= size) return false;
      out[n++] = json.ptr[j];
    }
    out[n] = '\0';
    return true;
  }
  return false;
}

static fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context_json, fbx_instance** out) {
  fbx_instance* self = calloc(1, sizeof(*self));
  if (self == NULL) return host->fail(op, FBX_NOMEM, str("no memory for an instance"), str(""));
  self->host = host;
  if (!json_text(context_json, "whom", self->whom, sizeof(self->whom))) {
    free(self);
    return host->fail(op, FBX_CONFIG, str("`whom` is longer than 63 bytes"), str("shorten it"));
  }
  *out = self;
  return FBX_OK;
}

static void destroy(fbx_instance* self) { free(self); }

static fbx_rc plan(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result) {
  (void)op;
  (void)request_json;
  char text[160];
  snprintf(text, sizeof(text), "{\"summary\":\"would greet\",\"actions\":[\"greet %s\"]}",
           self->whom);
  return write_text(result, text);
}

static fbx_rc run(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result) {
  const fbx_host* host = self->host;
  char verb[16];
  if (!json_text(request_json, "verb", verb, sizeof(verb))) verb[0] = '\0';
  if (equals(str("refuse"), verb)) {
    return host->fail(op, FBX_DENIED, str("greeter does not feel like it"),
                      str("use the verb greet"));
  }
  host->log(op, FBX_LOG_INFO, str("about to greet"));
  if (FBX_HAS(host, checkpoint)) {
    const fbx_rc rc = host->checkpoint(op, str("{\"greeting\":true}"));
    if (rc != FBX_OK && rc != FBX_UNSUPPORTED) return rc;
  }
  char text[160];
  snprintf(text, sizeof(text), "{\"summary\":\"hello, %s, from plain C\",\"changed\":true}",
           self->whom);
  return write_text(result, text);
}

static fbx_rc undo(fbx_instance* self, fbx_op* op, fbx_str request_json, fbx_sink result) {
  (void)request_json;
  self->host->log(op, FBX_LOG_INFO, str("took the greeting back"));
  return write_text(result, "{\"summary\":\"took the greeting back\",\"changed\":true}");
}

static const fbx_step_v1 step = {sizeof(fbx_step_v1), 0, plan, run, undo};

static const void* get_interface(fbx_instance* self, fbx_str id) {
  (void)self;
  return equals(id, FBX_IFACE_STEP) ? &step : NULL;
}

static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, fusebox_manifest_text, create, destroy,
                                  get_interface};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0, &plugin};
