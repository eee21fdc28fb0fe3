#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# header_matrix.sh <gcc|clang> <C compiler> <C++ compiler> <include folder>
#
# Compiles each public header alone, in each language and level it promises, with warnings as errors.
# The C headers must not even have padding.
set -u
family=$1 cc=$2 cxx=$3 include=$4
for compiler in "$cc" "$cxx"; do
  if ! command -v "$compiler" >/dev/null; then
    echo "skipped: there is no $family here ($compiler)"
    exit 77
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings='-fsyntax-only -pedantic -Wall -Wextra -Werror'
count=0
bad=0
# try <header> <command...>: a source file that includes the header first and twice.
try() {
  header=$1
  shift
  count=$((count + 1))
  if ! "$@" >"$work/log" 2>&1; then
    bad=$((bad + 1))
    echo "FAILED: $header: $*"
    sed 's/^/    /' "$work/log"
  fi
}

for path in "$include"/fusebox/*.h "$include"/fusebox/draft/*.h; do
  [ -e "$path" ] || continue
  header=${path#"$include"/}
  printf '#include <%s>\n#include <%s>\nint unit(void);\n' "$header" "$header" >"$work/unit.c"
  cp "$work/unit.c" "$work/unit.cpp"
  for level in c11 c17; do
    # shellcheck disable=SC2086 # several words
    try "$header" "$cc" -std=$level $warnings -Wpadded -I "$include" "$work/unit.c"
  done
  for level in c++17 c++20; do
    # shellcheck disable=SC2086
    try "$header" "$cxx" -std=$level $warnings -Wpadded -I "$include" "$work/unit.cpp"
  done
done
for path in "$include"/fusebox/*.hpp; do
  header=${path#"$include"/}
  printf '#include <%s>\n#include <%s>\nint unit();\n' "$header" "$header" >"$work/unit.cpp"
  for level in c++17 c++20; do
    # shellcheck disable=SC2086
    try "$header" "$cxx" -std=$level $warnings -Wshadow -Wconversion -Wold-style-cast -I "$include" "$work/unit.cpp"
  done
done

echo "$family: $count compilations, $bad failed"
[ "$bad" -eq 0 ] && [ "$count" -ge 20 ]
