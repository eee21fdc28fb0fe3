/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into fusebox by tests: the time of day is CLOCK_SHIFT seconds from the real one, as
 * after a dead battery or a wrong time server. What only goes forward is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_function)(clockid_t, struct timespec*);

static time_t shift(void) {
  const char* text = getenv("CLOCK_SHIFT");
  return text == NULL ? 0 : (time_t)atol(text);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  clock_function real = NULL;
  /* POSIX's own way to a function pointer; a cast is not ISO C. */
  *(void**)&real = dlsym(RTLD_NEXT, "clock_gettime");
  int rc = real(clock, now);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += shift();
  return rc;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
