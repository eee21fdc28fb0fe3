/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Is no entry record at all. */
static const fbx_plugin record = {sizeof(fbx_plugin), 0,           fusebox_manifest_text,
                                  zoo_create,         zoo_destroy, zoo_no_interface};
FBX_EXPORT const fbx_entry fusebox_plugin_entry_v1 = {UINT32_C(0xdeadbeef), sizeof(fbx_entry),
                                                      FBX_ABI_MINOR, 0, &record};
