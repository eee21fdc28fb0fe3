#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# pipeline.sh <fusebox> <plugin folder>: uses the plugin as an operator would, in a folder of its own.
set -eu
fusebox=$1 plugins=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" XDG_STATE_HOME="$work/state" NO_COLOR=1
cd "$work"
run() { "$fusebox" --plugin-dir "$plugins" "$@"; }
# expect <exit code> <text> <arguments...>
expect() {
  wanted=$1 text=$2 rc=0
  shift 2
  output=$(run "$@" 2>&1) || rc=$?
  case $output in *"$text"*) found=yes ;; *) found=no ;; esac
  if [ $rc -ne "$wanted" ] || [ $found = no ]; then
    echo "fusebox $*: ended with $rc ($wanted wanted), '$text' found: $found; it said: $output"
    exit 1
  fi
}

cat >fusebox.toml <<TOML
[stack]
name = "try"
[plugins.@id@]
folder = "kept"
TOML
expect 0 'no generation yet' backup list
# With this stack's settings the checks write generations, read, verify, pin and remove them.
expect 0 ' 0 failed, 0 crashed, 0 skipped' --config fusebox.toml plugins check "$plugins/@id@.so" --only store --run
[ -d kept ] || { echo 'nothing was kept where the settings say'; exit 1; }
