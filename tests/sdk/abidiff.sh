#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# abidiff.sh <C compiler> <source folder> [<git revision>]
#
# Compares the ABI's records, as a compiler lays them out, with those of a revision (without: the newest
# release, or where there is none yet, the last commit): a record may only grow at its tail. First it shows
# that it would notice. Ends with 77 where libabigail is missing.
set -eu
cc=$1 source=$2
if ! command -v abidiff >/dev/null; then
  echo 'skipped: there is no abidiff here (package abigail-tools)'
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
# library <name> <include folder>: one function for each record, so that its debug information has all.
library() {
  {
    for header in "$2"/fusebox/*.h; do echo "#include <fusebox/${header##*/}>"; done
    sed -n 's/^} \(fbx_[a-z0-9_]*\);$/\1/p' "$2"/fusebox/*.h |
      while read -r record; do echo "void use_$record(const $record* p); void use_$record(const $record* p) { (void)p; }"; done
  } >"$work/$1.c"
  "$cc" -std=c11 -g -shared -fPIC -I "$2" -o "$work/$1.so" "$work/$1.c" || fail "the headers of $1 do not compile"
}
# A record that grew at its tail is all that may differ. (libabigail's own suppressions of such growth also
# let other changes of the record pass, in the version that Debian 12 has.)
compatible() {
  rc=0
  abidiff --leaf-changes-only "$work/$1.so" "$work/$2.so" >"$work/report" 2>&1 || rc=$?
  [ "$rc" -eq 0 ] && return 0
  # 4: a change, of whatever kind; any other bit is an error, or something that is gone.
  [ "$rc" -eq 4 ] && ! grep -Eq 'data member changes?:|deletion|size hasn|[0-9]+ Removed, [1-9]|type of .* changed' "$work/report"
}

# edited <name> <sed program for plugin.h>
edited() {
  mkdir -p "$work/$1"
  cp -R "$source/sdk/include/fusebox" "$work/$1"
  sed "$2" "$source/sdk/include/fusebox/plugin.h" >"$work/$1/fusebox/plugin.h"
  if cmp -s "$source/sdk/include/fusebox/plugin.h" "$work/$1/fusebox/plugin.h"; then fail "nothing was edited for $1"; fi
  library "$1" "$work/$1"
}

library today "$source/sdk/include"
edited grown 's/^} fbx_host;/  void (*added)(fbx_op* op);\n} fbx_host;/'
edited moved 's/^  uint32_t abi_minor; .*the host.*/  uint64_t abi_minor;/'
edited retyped 's/int64_t (\*remaining_ms)/int32_t (*remaining_ms)/'
compatible today grown || fail "a record that grew at its tail was refused: $(cat "$work/report")"
if compatible today moved; then fail 'a field that moved was let pass'; fi
if compatible today retyped; then fail 'a function whose type changed was let pass'; fi

revision=${3:-$(git -C "$source" describe --tags --abbrev=0 --match 'v*' 2>/dev/null || echo HEAD)}
if ! git -C "$source" rev-parse --verify --quiet "$revision^{commit}" >/dev/null; then
  echo "ok: it notices; there is no $revision here to compare with"
  exit 0
fi
mkdir "$work/then"
git -C "$source" archive "$revision" sdk/include | tar -x -C "$work/then"
library before "$work/then/sdk/include"
compatible before today || fail "today's ABI breaks that of $revision: $(cat "$work/report")"
echo "ok: today's ABI extends that of $revision"
