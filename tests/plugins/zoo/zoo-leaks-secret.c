/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

static char value[256];
static size_t length;

static int32_t keep(void* ctx, fbx_span bytes) {
  (void)ctx;
  if (length + bytes.len >= sizeof value) return FBX_NOMEM;
  memcpy(value + length, bytes.ptr, bytes.len);
  length += bytes.len;
  return FBX_OK;
}

/* Gets a secret that it may have, and says it wherever it can. */
ZOO_RUN(run) {
  const fbx_host_secret_v1* secrets = zoo_host->get_interface(op, zoo_str(FBX_HOST_SECRET));
  fbx_sink sink = {NULL, keep};
  fbx_rc rc = secrets->get(op, zoo_str("ZOO_SECRET"), sink);
  (void)self, (void)request;
  if (rc != FBX_OK) return rc;
  zoo_host->log(op, FBX_LOG_WARN, zoo_str(value));
  zoo_host->progress(op, 1, 2, zoo_str("bytes"), zoo_str(value));
  zoo_write(result, "{\"summary\":\"");
  zoo_write(result, value);
  zoo_write(result, "\"}");
  return zoo_host->fail(op, FBX_IO, zoo_str(value), zoo_str(value));
}
ZOO_PLUGIN(run)
