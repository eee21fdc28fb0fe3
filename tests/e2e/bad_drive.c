/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into fusebox by tests: of what is written to a file below the folder BAD_DRIVE, one bit
 * of every larger piece is another on the drive, as with a failing drive, cable or adapter.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef ssize_t (*write_function)(int, const void*, size_t);

static int is_on_bad_drive(int fd) {
  const char* folder = getenv("BAD_DRIVE");
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || folder == NULL) return 0;
  path[length] = '\0';
  return strncmp(path, folder, strlen(folder)) == 0;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  write_function real = NULL;
  /* POSIX's own way to a function pointer; a cast is not ISO C. */
  *(void**)&real = dlsym(RTLD_NEXT, "write");
  if (size < 4096 || !is_on_bad_drive(fd)) return real(fd, bytes, size);
  char* copy = malloc(size);
  if (copy == NULL) abort();
  memcpy(copy, bytes, size);
  copy[size / 2] ^= 1;
  ssize_t rc = real(fd, copy, size);
  free(copy);
  return rc;
}
