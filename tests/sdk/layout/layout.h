/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of the ABI's records, as a C compiler sees it.
 */
#ifndef FUSEBOX_TESTS_SDK_LAYOUT_H
#define FUSEBOX_TESTS_SDK_LAYOUT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct layout_field {
  const char* record;
  const char* field; /* NULL: the record itself */
  size_t offset;
  size_t size;
} layout_field;

/* Records in the headers' order, each followed by its fields. Static. */
const layout_field* layout_of_c(size_t* count);

#ifdef __cplusplus
}
#endif
#endif /* FUSEBOX_TESTS_SDK_LAYOUT_H */
