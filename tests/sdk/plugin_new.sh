#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# plugin_new.sh <cmake> <build folder> <C compiler> <C++ compiler>
#
# Installs fusebox into a fresh prefix and lets it write a project from each template; each is built
# against that installation alone and passes the tests that it comes with.
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4
work=$(mktemp -d)
finish() {
  rc=$?
  if [ $rc -eq 0 ]; then rm -rf "$work"; else echo "kept for a look: $work"; fi
}
trap finish EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}

prefix=$work/prefix
"$cmake" --install "$build" --prefix "$prefix" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
fusebox=$prefix/bin/fusebox
export HOME="$work/home" XDG_STATE_HOME="$work/state" NO_COLOR=1
mkdir -p "$HOME"
cd "$work"

# try <kind> <language>
try() {
  id=my-$1
  [ "$2" = c++ ] || id=$id-$2
  "$fusebox" plugins new "$id" --provides "$1" --language "$2" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
  "$cmake" -S "$id" -B "$id/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror >"$work/log" 2>&1 ||
    fail "$id: $(cat "$work/log")"
  "$cmake" --build "$id/build" >"$work/log" 2>&1 || fail "$id: $(cat "$work/log")"
  "$cmake" --build "$id/build" --target test >"$work/log" 2>&1 ||
    fail "$id: $(cat "$work/log" "$id/build/Testing/Temporary/LastTest.log")"
  echo "ok: $1 in $2"
}

templates=0
for folder in "$prefix"/share/fusebox/template/*-*; do
  name=${folder##*/}
  try "${name%%-*}" "${name#*-}"
  templates=$((templates + 1))
done
[ "$templates" -ge 6 ] || fail "there are only $templates templates"

# Never replaces a file.
echo mine >my-step/README.md
if "$fusebox" plugins new my-step --provides step >"$work/log" 2>&1; then fail 'a project was written over another'; fi
grep -q 'is there already' "$work/log" || fail "$(cat "$work/log")"
[ "$(cat my-step/README.md)" = mine ] || fail 'a file was replaced'
if "$fusebox" plugins new other --provides nothing >"$work/log" 2>&1; then fail 'an unknown kind was taken'; fi
grep -q 'step-c++' "$work/log" || fail "it does not say which there are: $(cat "$work/log")"
if "$fusebox" plugins new Bad_Id --provides step >"$work/log" 2>&1; then fail 'a bad id was taken'; fi
[ ! -e Bad_Id ] || fail 'a folder was made for a bad id'
echo 'all as expected'
