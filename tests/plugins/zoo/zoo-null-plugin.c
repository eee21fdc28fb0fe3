/* SPDX-License-Identifier: Apache-2.0 */
#include "zoo.h"

/* Has an entry that leads nowhere. */
FBX_EXPORT const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), FBX_ABI_MINOR,
                                                      0, NULL};
