/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <fusebox/host.h>
#include <fusebox/observer.h>
#include <fusebox/plugin.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <fusebox/snapshot.h>
#include <fusebox/step.h>
#include <fusebox/store.h>

#define FBX_RECORD(r) {#r, NULL, 0, sizeof(r)},
#define FBX_FIELD(r, f) {#r, #f, offsetof(r, f), sizeof(((r*)0)->f)},

static const layout_field fields[] = {
#include "records.inc"
};

const layout_field* layout_of_c(size_t* count) {
  *count = sizeof(fields) / sizeof(fields[0]);
  return fields;
}
