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
file = "watched"
min_bytes = 4
[phases.health]
steps = ["@id@.check"]
TOML
expect 3 'is not there' health
printf 'ab' >watched
expect 3 'holds 2 bytes' health
printf 'abcd' >watched
expect 0 'healthy' health --json
