/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into fusebox by tests: kills it at a chosen journal boundary, so that no switch for it
 * is needed in the product. A boundary is one fdatasync() of a *.jsonl file: a record that becomes
 * durable.
 *
 *   FAULT_AT    which boundary, from 1; the count spans the processes of one run
 *   FAULT_WHEN  "before" or "after" the record is durable
 *   FAULT_WHO   "group": the whole process group, as when a machine dies
 *               "self": the process that writes; its parent lives on
 *               "parent": the parent alone, as `kill -9 <fusebox>` does
 *   FAULT_COUNT a file of one byte per boundary passed so far
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*sync_function)(int);

static int is_journal(int fd) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  size_t suffix = strlen(".jsonl");
  return (size_t)length > suffix && strcmp(path + length - suffix, ".jsonl") == 0;
}

/* The number of this boundary, from 1. */
static long count_boundary(void) {
  struct stat st;
  int fd = open(getenv("FAULT_COUNT"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, ".", 1) != 1 || fstat(fd, &st) != 0) abort();
  close(fd);
  return (long)st.st_size;
}

static void strike(void) {
  const char* who = getenv("FAULT_WHO");
  if (strcmp(who, "group") == 0) kill(0, SIGKILL);
  if (strcmp(who, "self") == 0) kill(getpid(), SIGKILL);
  if (strcmp(who, "parent") == 0) kill(getppid(), SIGKILL);
}

int fdatasync(int fd) {
  sync_function real = NULL;
  /* POSIX's own way to a function pointer; a cast is not ISO C. */
  *(void**)&real = dlsym(RTLD_NEXT, "fdatasync");
  if (getenv("FAULT_COUNT") == NULL || !is_journal(fd)) return real(fd);
  const char* at = getenv("FAULT_AT");
  int here = at != NULL && count_boundary() == atol(at);
  int before = here && strcmp(getenv("FAULT_WHEN"), "before") == 0;
  if (before) {
    /* Not durable: what was written since the last boundary is lost with the page cache. Drop it,
     * as a power cut would. */
    off_t end = lseek(fd, 0, SEEK_END);
    char last[1 << 16];
    off_t from = end > (off_t)sizeof last ? end - (off_t)sizeof last : 0;
    char path[4096], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    int in = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = in >= 0 ? pread(in, last, sizeof last, from) : -1;
    ssize_t cut = got - 1;
    while (cut > 0 && last[cut - 1] != '\n') --cut;
    if (got > 0 && ftruncate(fd, from + cut) != 0) abort();
    strike();
  }
  int rc = real(fd);
  if (here && !before) strike();
  return rc;
}
