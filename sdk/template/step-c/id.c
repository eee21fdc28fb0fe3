/* SPDX-License-Identifier: Apache-2.0
 *
 * fusebox.step/1 in plain C: plan() says what would be done, run() does it, undo() takes it back.
 */
#include <fusebox/plugin.h>
#include <fusebox/step.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char fusebox_manifest_text[]; /* from fusebox_add_plugin() */

struct fbx_instance {
  const fbx_host* host;
  char file[1024];
  char text[1024];
};

static fbx_str str(const char* text) { return (fbx_str){text, strlen(text)}; }

static bool equals(fbx_str a, const char* b) {
  return a.len == strlen(b) && memcmp(a.ptr, b, (size_t)a.len) == 0;
}

static fbx_rc answer(fbx_sink sink, const char* text) {
  return sink.write(sink.ctx, (fbx_span){(const uint8_t*)text, strlen(text)});
}

/* The text value of the first "key" in a JSON text, where it has no escapes: enough for these
 * settings; take a JSON library for more. False: it is not there, or does not fit. */
static bool json_text(fbx_str json, const char* key, char* out, size_t size) {
  char pattern[64];
  const int n = snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
  const uint64_t length = (uint64_t)n;
  for (uint64_t i = 0; i + length < json.len; ++i) {
    if (memcmp(json.ptr + i, pattern, (size_t)length) != 0) continue;
    size_t used = 0;
    for (uint64_t j = i + length; j < json.len; ++j) {
      const char c = json.ptr[j];
      if (c == '"') {
        out[used] = '\0';
        return true;
      }
      if (c == '\\' || used + 1 >= size) return false;
      out[used++] = c;
    }
  }
  return false;
}

static bool has_verb(fbx_str request) {
  char verb[16];
  return json_text(request, "verb", verb, sizeof(verb)) && strcmp(verb, "write") == 0;
}

static fbx_rc no_such_verb(fbx_instance* self, fbx_op* op) {
  return self->host->fail(op, FBX_UNSUPPORTED, str("there is no such verb"),
                          str("the manifest lists them"));
}

static bool is_written(const fbx_instance* self) {
  char found[sizeof(self->text)];
  FILE* in = fopen(self->file, "rb");
  if (in == NULL) return false;
  const size_t n = fread(found, 1, sizeof(found), in);
  fclose(in);
  return n == strlen(self->text) && memcmp(found, self->text, n) == 0;
}

static fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context_json, fbx_instance** out) {
  fbx_instance* self = calloc(1, sizeof(*self));
  if (self == NULL) return host->fail(op, FBX_NOMEM, str("no memory for an instance"), str(""));
  self->host = host;
  if (!json_text(context_json, "file", self->file, sizeof(self->file)) ||
      !json_text(context_json, "text", self->text, sizeof(self->text))) {
    free(self);
    return host->fail(
        op, FBX_CONFIG, str("`file` and `text` must be short, plain texts"),
        str("less than 1024 bytes, no quotes, no backslashes, no control characters"));
  }
  *out = self;
  return FBX_OK;
}

static void destroy(fbx_instance* self) { free(self); }

static fbx_rc plan(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  if (!has_verb(request)) return no_such_verb(self, op);
  if (is_written(self)) return answer(result, "{\"summary\":\"the note is there\",\"actions\":[]}");
  char text[1200];
  snprintf(text, sizeof(text), "{\"summary\":\"would write a note\",\"actions\":[\"write %s\"]}",
           self->file);
  return answer(result, text);
}

static fbx_rc run(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  const fbx_host* host = self->host;
  if (!has_verb(request)) return no_such_verb(self, op);
  if (host->cancelled(op))
    return host->fail(op, host->remaining_ms(op) == 0 ? FBX_TIMEOUT : FBX_CANCELLED,
                      str("stopped before the note was written"), str(""));
  if (is_written(self))
    return answer(result, "{\"summary\":\"the note is there already\",\"changed\":false}");
  /* A file of somebody else's is not replaced: undo could not bring it back. */
  FILE* there = fopen(self->file, "rb");
  if (there != NULL) {
    fclose(there);
    return host->fail(op, FBX_CONFLICT, str("the file is there, with another text"),
                      str("name another file in `file`"));
  }
  /* Before the effect: what undo() needs, even when this process dies right after. */
  if (FBX_HAS(host, checkpoint)) {
    const fbx_rc rc = host->checkpoint(op, str("{\"wrote\":true}"));
    if (rc != FBX_OK && rc != FBX_UNSUPPORTED) return rc;
  }
  FILE* out = fopen(self->file, "wbx");
  const bool written = out != NULL && fputs(self->text, out) >= 0;
  if ((out != NULL && fclose(out) != 0) || !written)
    return host->fail(op, FBX_IO, str("cannot write the note"),
                      str("is its folder there, and yours to write in?"));
  return answer(result, "{\"summary\":\"wrote the note\",\"changed\":true}");
}

/* May be called in another process, without run()'s result, and again. */
static fbx_rc undo(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  static const char mark[] = "\"wrote\":true";
  bool wrote = false;
  for (uint64_t i = 0; i + sizeof(mark) - 1 <= request.len && !wrote; ++i)
    wrote = memcmp(request.ptr + i, mark, sizeof(mark) - 1) == 0;
  if (wrote && remove(self->file) != 0 && errno != ENOENT)
    return self->host->fail(op, FBX_IO, str("cannot remove the note"), str("remove it by hand"));
  return answer(result, wrote ? "{\"summary\":\"took the note back\",\"changed\":true}" : "{}");
}

static const fbx_step_v1 step = {sizeof(fbx_step_v1), 0, plan, run, undo};

static const void* get_interface(fbx_instance* self, fbx_str id) {
  (void)self;
  return equals(id, FBX_IFACE_STEP) ? &step : NULL;
}

static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, fusebox_manifest_text, create, destroy,
                                  get_interface};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0, &plugin};
