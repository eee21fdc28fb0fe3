/* SPDX-License-Identifier: Apache-2.0 */
/* Is a library, but no plugin. */
int zoo_is_no_plugin(void);
int zoo_is_no_plugin(void) { return 0; }
