/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

static fbx_rc create(const fbx_host* host, fbx_op* op, fbx_str context, fbx_instance** out) {
  (void)host, (void)op, (void)context, (void)out;
  return FBX_OK;
}

/* Says that it made an instance, and made none. */
static const fbx_plugin record = {sizeof(fbx_plugin), 0, fusebox_manifest_text, create, zoo_destroy,
                                  zoo_no_interface};
FBX_EXPORT const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR,
                                                      0, &record};
