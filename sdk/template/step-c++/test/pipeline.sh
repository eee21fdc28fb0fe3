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
text = "written by a test"
[phases.note]
on_failure = "undo"
steps = ["@id@.write"]
TOML
expect 0 '/note.txt' plan note
[ ! -e note.txt ] || { echo 'plan has an effect'; exit 1; }
expect 0 'wrote' run note
[ "$(cat note.txt)" = 'written by a test' ] || { echo 'the note is not what the settings say'; exit 1; }
expect 0 'is there already' run note
