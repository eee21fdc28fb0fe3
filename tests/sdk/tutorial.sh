#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# tutorial.sh <cmake> <build folder> <source folder>
#
# Follows docs/plugins/TUTORIAL.md to the letter, on a fresh installation and in a fresh home.
set -eu
cmake=$1 build=$2 source=$3
work=$(mktemp -d)
finish() {
  rc=$?
  if [ $rc -eq 0 ]; then rm -rf "$work"; else echo "kept for a look: $work"; fi
}
trap finish EXIT
"$cmake" --install "$build" --prefix "$work/prefix" >"$work/install.log" 2>&1 || {
  cat "$work/install.log"
  exit 1
}
# The lines of all ```sh blocks, as they stand.
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$source/docs/plugins/TUTORIAL.md" >"$work/commands"
[ "$(wc -l <"$work/commands")" -gt 20 ] || {
  echo 'FAILED: the tutorial has hardly a command'
  exit 1
}
mkdir -p "$work/home" "$work/here"
cd "$work/here"
env -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u FUSEBOX_CONFIG -u FUSEBOX_PLUGIN_PATH \
  HOME="$work/home" XDG_STATE_HOME="$work/state" NO_COLOR=1 \
  PATH="$work/prefix/bin:$PATH" CMAKE_PREFIX_PATH="$work/prefix" \
  sh -eux "$work/commands" >"$work/log" 2>&1 || {
  cat "$work/log"
  echo 'FAILED: the tutorial, followed to the letter, does not work'
  exit 1
}
for text in '0 failed, 0 crashed' 'library_sha256' 'export.csv is there'; do
  grep -q "$text" "$work/log" || {
    cat "$work/log"
    echo "FAILED: it never said '$text'"
    exit 1
  }
done
echo "ok: $(wc -l <"$work/commands") lines"
