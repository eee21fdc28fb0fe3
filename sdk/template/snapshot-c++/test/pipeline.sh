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

printf 'what matters\n' >precious
cat >fusebox.toml <<TOML
[stack]
name = "try"
[plugins.@id@]
file = "precious"
TOML
# With this stack's settings, the checks capture the file and inspect what they captured.
expect 0 ' 0 failed' --config fusebox.toml plugins check "$plugins/@id@.so" --only snapshot --verbose
case $output in *skip*snapshot.capture*) echo 'nothing was captured'; exit 1 ;; esac
[ "$(cat precious)" = 'what matters' ] || { echo 'a check changed the file'; exit 1; }
