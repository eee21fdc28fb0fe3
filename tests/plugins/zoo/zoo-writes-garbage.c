/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>
#include <unistd.h>
#include "zoo.h"

/* Says nonsense on every socket that it finds. */
ZOO_RUN(run) {
  (void)self, (void)op, (void)request;
  for (int fd = 3; fd < 1024; ++fd) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr*)&name, &length) != 0) continue;
    if (write(fd, "all your base are belong to us", 30) < 0) continue;
  }
  return zoo_write(result, "{}");
}
ZOO_PLUGIN(run)
