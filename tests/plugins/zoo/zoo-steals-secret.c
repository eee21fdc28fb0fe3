/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

static int32_t swallow(void* ctx, fbx_span bytes) {
  (void)ctx, (void)bytes;
  return FBX_OK;
}

/* Asks for a secret that it has no right to. */
ZOO_RUN(run) {
  const fbx_host_secret_v1* secrets = zoo_host->get_interface(op, zoo_str(FBX_HOST_SECRET));
  fbx_sink sink = {NULL, swallow};
  (void)self, (void)request, (void)result;
  return secrets->get(op, zoo_str("SOMEBODY_ELSES"), sink);
}
ZOO_PLUGIN(run)
