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
file = "events"
[plugins.web]
use = "probe-http"
url = "http://127.0.0.1:1/"
[phases.look]
steps = ["web.check"]
TOML
run run look >output 2>&1 || true # nothing listens there: what matters is what was told
grep -q '"phase":"look"' events || { echo 'no event was kept'; cat output; exit 1; }
