#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# c_plugin.sh <cmake> <build folder> <C compiler> <source folder>
#
# Installs fusebox into a fresh prefix, builds a plugin in plain C against that SDK alone, and lets the
# installed fusebox list it, run it, and undo what it did when a later step fails.
set -eu
cmake=$1 build=$2 cc=$3 source=$4
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
# expect <exit code> <text> <command...>
expect() {
  wanted=$1 text=$2
  shift 2
  rc=0
  output=$("$@" 2>&1) || rc=$?
  [ $rc -eq "$wanted" ] || fail "\`$*\` ended with $rc, not $wanted: $output"
  case $output in
    *"$text"*) echo "ok: $text" ;;
    *) fail "\`$*\` does not say '$text': $output" ;;
  esac
}

prefix=$work/prefix
"$cmake" --install "$build" --prefix "$prefix" >"$work/install.log" || fail "$(cat "$work/install.log")"
cp -R "$source/tests/sdk/c_plugin" "$work/greeter" # out of the source tree: only the SDK is at hand
"$cmake" -S "$work/greeter" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_COMPILER="$cc" >"$work/configure.log" 2>&1 || fail "$(cat "$work/configure.log")"
"$cmake" --build "$work/build" >"$work/build.log" 2>&1 || fail "$(cat "$work/build.log")"
"$cmake" --install "$work/build" --prefix "$work/plugin" >/dev/null

cat >"$work/fusebox.toml" <<TOML
[stack]
name = "c-plugin"

[plugins.greeter]
whom = "author"

[phases.hello]
steps = ["greeter.greet"]

[phases.trouble]
on_failure = "undo"
steps = ["greeter.greet", "greeter.refuse"]
TOML
export HOME="$work/home" XDG_STATE_HOME="$work/state" NO_COLOR=1
mkdir -p "$HOME"
fusebox() {
  "$prefix/bin/fusebox" --config "$work/fusebox.toml" --plugin-dir "$work/plugin/lib/fusebox/plugins" "$@"
}

expect 0 'greeter' fusebox plugins list
expect 0 'greet author' fusebox plan hello
expect 0 'hello, author, from plain C' fusebox run hello
expect 1 'greeter does not feel like it' fusebox run trouble
expect 1 'took the greeting back' fusebox -v run trouble
