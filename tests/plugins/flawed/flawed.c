/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that keeps every rule but the one that the variable FLAW names.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <fusebox/host.h>
#include <fusebox/step.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char fusebox_manifest_text[];

struct fbx_instance {
  const fbx_host* host;
};

static fbx_instance only_one;
static fbx_op* kept_op;
static atomic_int inside;
static atomic_int plans;
static const char* const made = "made-by-flawed";

static bool flaw(const char* name) {
  const char* chosen = getenv("FLAW");
  return chosen != NULL && strcmp(chosen, name) == 0;
}

static fbx_str str(const char* text) { return (fbx_str){text, strlen(text)}; }

static bool contains(fbx_str text, const char* part) {
  return text.len > 0 && memmem(text.ptr, (size_t)text.len, part, strlen(part)) != NULL;
}

static fbx_rc answer(fbx_sink sink, const char* text) {
  const fbx_span half = {(const uint8_t*)text, strlen(text) / 2};
  const fbx_span rest = {(const uint8_t*)text + half.len, strlen(text) - half.len};
  const fbx_rc rc = sink.write(sink.ctx, half);
  if (rc != FBX_OK && !flaw("writes-on")) return flaw("ignores-sink") ? FBX_OK : rc;
  const fbx_rc second = sink.write(sink.ctx, rest);
  return flaw("ignores-sink") ? FBX_OK : second;
}

static void write_file(const char* path, const char* text) {
  FILE* out = fopen(path, "w");
  if (out == NULL) return;
  fputs(text, out);
  fclose(out);
}

static bool is_there(const char* path) { return access(path, F_OK) == 0; }

static void* sleep_for_ever(void* ignored) {
  (void)ignored;
  while (getenv("PATH") != NULL) pause();
  return NULL;
}

static void start_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0) pthread_detach(thread);
}

/* A value as a test's plugin may hold it: here it is only passed on. */
struct value {
  char text[128];
};
static int32_t take_value(void* ctx, fbx_span bytes) {
  struct value* value = ctx;
  const size_t room = sizeof(value->text) - 1;
  const size_t n = bytes.len < room ? (size_t)bytes.len : room;
  memcpy(value->text, bytes.ptr, n);
  value->text[n] = '\0';
  return FBX_OK;
}
static struct value get_secret(fbx_instance* self, fbx_op* op, const char* name) {
  struct value value = {""};
  const fbx_host_secret_v1* secrets = self->host->get_interface(op, str(FBX_HOST_SECRET));
  if (secrets != NULL) secrets->get(op, str(name), (fbx_sink){&value, take_value});
  return value;
}
static int32_t take_nothing(void* ctx, fbx_span bytes) {
  (void)ctx, (void)bytes;
  return FBX_OK;
}
static void run_program(fbx_instance* self, fbx_op* op, const char* program, const char* argument) {
  const fbx_host_process_v1* process = self->host->get_interface(op, str(FBX_HOST_PROCESS));
  const fbx_sink nowhere = {NULL, take_nothing};
  char request[300];
  snprintf(request, sizeof(request), "{\"command\":[\"%s\",\"%s\"]}", program, argument);
  if (process != NULL)
    process->run(op, str(request), (fbx_span){NULL, 0}, nowhere, nowhere, nowhere);
}

/* What is wrong in the process, whatever was called. */
static void disturb_process(fbx_instance* self, fbx_op* op) {
  if (flaw("prints")) puts("hello from a plugin");
  if (flaw("opens-fd") && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) abort();
  if (flaw("leaks-thread")) start_thread();
  if (flaw("leaks-memory")) memset(malloc(20000), 1, 20000);
  if (flaw("leaves-child") && fork() == 0) _exit(0);
  if (flaw("signal")) signal(SIGUSR1, SIG_IGN);
  if (flaw("chdir") && chdir("/") != 0) abort();
  if (flaw("setenv")) setenv("FLAWED_WAS_HERE", "1", 1);
  if (flaw("temp-file")) {
    char path[300];
    snprintf(path, sizeof(path), "%s/left-by-flawed", getenv("TMPDIR"));
    write_file(path, "x");
  }
  if (flaw("late-op")) {
    if (kept_op != NULL) self->host->log(kept_op, FBX_LOG_INFO, str("too late"));
    kept_op = op;
  }
}

static fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context, fbx_instance** out) {
  if (flaw("crash-context") && !contains(context, "config_file")) abort();
  if (flaw("strict-context") && contains(context, "of_tomorrow"))
    return host->fail(op, FBX_CONFIG, str("there is an unknown field"), str("remove it"));
  if (flaw("strict-host") && host->struct_size != sizeof(fbx_host))
    return host->fail(op, FBX_UNSUPPORTED, str("another host"), str("use the old one"));
  if (flaw("create-mute")) return FBX_CONFIG;
  if (flaw("create-code")) return host->fail(op, 77, str("what a day"), str(""));
  if (flaw("create-internal") && !contains(context, "\"text\":\"hello\""))
    return host->fail(op, FBX_INTERNAL, str("a text that is not hello"), str(""));
  if (flaw("slow-create")) usleep(700000);
  if (flaw("null-instance")) return FBX_OK;
  fbx_instance* self = flaw("one-instance") ? &only_one : calloc(1, sizeof(*self));
  if (self == NULL) return host->fail(op, FBX_NOMEM, str("no memory"), str(""));
  self->host = host;
  if (flaw("create-secret")) get_secret(self, op, "FLAWED_SECRET");
  *out = self;
  return FBX_OK;
}

static void destroy(fbx_instance* self) {
  if (flaw("slow-destroy")) usleep(1300000);
  if (self != &only_one) free(self);
}

static fbx_rc known_verb(fbx_instance* self, fbx_op* op, fbx_str request) {
  if (contains(request, "\"verb\":\"make\"") || contains(request, "\"verb\":\"look\"") ||
      flaw("any-verb"))
    return FBX_OK;
  if (flaw("mute")) return FBX_UNSUPPORTED;
  const char* what = flaw("two-lines") ? "there is no\nsuch verb" : "there is no such verb";
  const fbx_rc told = flaw("other-code") ? FBX_IO : FBX_UNSUPPORTED;
  self->host->fail(op, told, str(what), str("the manifest lists them"));
  return FBX_UNSUPPORTED;
}

/* What an op should be asked, and here is not. */
static fbx_rc disturb_plan(fbx_instance* self, fbx_op* op) {
  const fbx_host* host = self->host;
  if (flaw("calls-checkpoint")) host->checkpoint(op, str("{}"));
  if (flaw("needs-service"))
    ((const fbx_host_secret_v1*)host->get_interface(op, str(FBX_HOST_SECRET)))
        ->get(op, str("X"), (fbx_sink){NULL, take_nothing});
  if (flaw("plan-writes")) write_file("written-by-plan", "x");
  if (flaw("plan-secret")) get_secret(self, op, "FLAWED_SECRET");
  if (flaw("undeclared-program")) run_program(self, op, "not-declared", "x");
  if (flaw("bad-utf8")) host->log(op, FBX_LOG_INFO, str("caf\xe9"));
  if (flaw("ignores-cancel") && host->cancelled(op)) usleep(2300000);
  if (flaw("ignores-deadline") && host->remaining_ms(op) == 0) usleep(2300000);
  if (flaw("needs-deadline") && host->remaining_ms(op) < 0) abort();
  if (flaw("no-code")) return 99;
  return FBX_OK;
}

static fbx_rc plan(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  disturb_process(self, op);
  if (flaw("crash-empty") && request.len < 3) abort();
  if (flaw("crash-damaged") && (request.len == 0 || request.ptr[request.len - 1] != '}')) abort();
  if (flaw("strict-request") && contains(request, "of_tomorrow"))
    return self->host->fail(op, FBX_ARGUMENT, str("there is an unknown field"), str("remove it"));
  if (flaw("races")) {
    if (atomic_fetch_add(&inside, 1) != 0) abort();
    usleep(300);
    atomic_fetch_sub(&inside, 1);
  }
  const fbx_rc rc = known_verb(self, op, request);
  if (rc != FBX_OK) return rc;
  const fbx_rc disturbed = disturb_plan(self, op);
  if (disturbed != FBX_OK) return disturbed;
  if (flaw("not-json")) return answer(result, "would make a file");
  if (flaw("bad-status")) return answer(result, "{\"summary\":\"x\",\"status\":\"fine\"}");
  if (flaw("says-nothing")) return answer(result, "{\"note\":1}");
  char text[64];
  snprintf(text, sizeof(text), "{\"summary\":\"would make %d\",\"actions\":[]}",
           flaw("plan-differs") ? atomic_fetch_add(&plans, 1) : 0);
  return answer(result, text);
}

static void* checkpoint_elsewhere(void* arg) {
  fbx_instance* self = arg;
  self->host->checkpoint(kept_op, str("{}"));
  return NULL;
}

static void disturb_run(fbx_instance* self, fbx_op* op) {
  if (flaw("look-writes")) write_file("written-by-look", "x");
  if (flaw("run-ignores-cancel")) usleep(5600000);
  if (flaw("other-thread")) {
    pthread_t thread;
    kept_op = op;
    if (pthread_create(&thread, NULL, checkpoint_elsewhere, self) == 0) pthread_join(thread, NULL);
  }
  if (flaw("steals-secret")) get_secret(self, op, "NOT_ITS_OWN");
  const struct value value = get_secret(self, op, "FLAWED_SECRET");
  if (flaw("secret-log")) self->host->log(op, FBX_LOG_DEBUG, str(value.text));
  if (flaw("secret-argument")) run_program(self, op, "not-declared", value.text);
  if (flaw("secret-file")) write_file("kept-secret", value.text);
  if (flaw("secret-environment")) setenv("KEPT_SECRET", value.text, 1);
}

static fbx_rc run(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  const fbx_host* host = self->host;
  const fbx_rc rc = known_verb(self, op, request);
  if (rc != FBX_OK) return rc;
  disturb_run(self, op);
  if (flaw("secret-result")) {
    char text[200];
    snprintf(text, sizeof(text), "{\"summary\":\"%s\"}",
             get_secret(self, op, "FLAWED_SECRET").text);
    return answer(result, text);
  }
  if (!contains(request, "\"verb\":\"make\"")) return answer(result, "{\"status\":\"healthy\"}");
  if (host->cancelled(op))
    return host->fail(op, host->remaining_ms(op) == 0 ? FBX_TIMEOUT : FBX_CANCELLED,
                      str("stopped before the file was made"), str(""));
  if (is_there(made) && flaw("not-again"))
    return host->fail(op, FBX_CONFLICT, str("it is there already"), str("remove it"));
  if (is_there(made)) return answer(result, "{\"changed\":false}");
  if (flaw("needs-journal") && host->checkpoint(op, str("{\"made\":true}")) != FBX_OK) abort();
  if (FBX_HAS(host, checkpoint) && !flaw("no-checkpoint")) {
    const fbx_rc saved = host->checkpoint(op, str("{\"made\":true}"));
    if (saved != FBX_OK && saved != FBX_UNSUPPORTED) return saved;
  }
  write_file(made, "x");
  return answer(result, "{\"changed\":true}");
}

static fbx_rc undo(fbx_instance* self, fbx_op* op, fbx_str request, fbx_sink result) {
  const bool begun = contains(request, "\"made\":true");
  if (flaw("undo-nothing-fails") && !begun)
    return self->host->fail(op, FBX_NOT_FOUND, str("nothing to undo"), str(""));
  if (flaw("undo-leaves")) return answer(result, "{}");
  if (flaw("undo-once") && begun && !is_there(made))
    return self->host->fail(op, FBX_NOT_FOUND, str("it is gone already"), str(""));
  if (begun) unlink(made);
  return answer(result, "{}");
}

static const fbx_step_v1 step = {sizeof(fbx_step_v1), 0, plan, run, undo};
static const fbx_step_v1 no_undo = {sizeof(fbx_step_v1), 0, plan, run, NULL};
static const fbx_step_v1 null_slot = {sizeof(fbx_step_v1), 0, plan, NULL, undo};
static const fbx_step_v1 short_table = {8, 0, plan, run, undo};
static const fbx_step_v1 not_reserved = {sizeof(fbx_step_v1), 7, plan, run, undo};

static const void* get_interface(fbx_instance* self, fbx_str id) {
  (void)self;
  const size_t n = strlen(FBX_IFACE_STEP);
  if (flaw("no-table")) return NULL;
  if (flaw("any-interface")) return &step;
  if (flaw("undeclared") && contains(id, "fusebox.observer/1")) return &step;
  const bool same = flaw("prefix-id") ? id.len >= n && memcmp(id.ptr, FBX_IFACE_STEP, n) == 0
                                      : id.len == n && memcmp(id.ptr, FBX_IFACE_STEP, n) == 0;
  if (!same) return NULL;
  if (flaw("no-undo")) return &no_undo;
  if (flaw("null-slot")) return &null_slot;
  if (flaw("short-table")) return &short_table;
  if (flaw("not-reserved")) return &not_reserved;
  if (flaw("new-table")) return memcpy(malloc(sizeof(step)), &step, sizeof(step));
  return &step;
}

static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, fusebox_manifest_text, create, destroy,
                                  get_interface};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR, 0, &plugin};
