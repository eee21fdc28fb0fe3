#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check_plugin.sh <cmake> <nm> <C compiler> <C++ compiler> <source folder>
#
# The check that runs after each plugin's link lets a good library pass, and refuses each bad one
# with the text that tells its author why.
set -u
cmake=$1 nm=$2 cc=$3 cxx=$4 source=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed() {
  echo "FAILED: $*"
  : >"$work/bad" # a pipe's end is a process of its own: a variable would be lost
}

# expect <name> <text|-> <compiler...>: builds stdin as a library; the check must say the text.
expect() {
  name=$1 text=$2
  shift 2
  library=$work/$name.so
  if ! "$@" -shared -fPIC -fvisibility=hidden -I "$source/sdk/include" -o "$library" - 2>"$work/log"; then
    cat "$work/log"
    failed "$name does not compile"
    return
  fi
  output=$("$cmake" -DPLUGIN="$name" -DLIBRARY="$library" -DNM="$nm" \
    -P "$source/sdk/cmake/FuseboxCheckPlugin.cmake" 2>&1)
  rc=$?
  output=$(echo "$output" | tr -s '\n ' '  ')
  if [ "$text" = - ]; then
    { [ $rc -eq 0 ] && [ -e "$library" ]; } || failed "$name was refused: $output"
  elif [ $rc -eq 0 ]; then
    failed "$name passed"
  else
    case $output in
      *"plugin $name: $text"*) ;;
      *) failed "$name: expected '$text', got: $output" ;;
    esac
    [ ! -e "$library" ] || failed "$name was refused but not removed"
  fi
}

entry='
#include <fusebox/plugin.h>
static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, "", 0, 0, 0};
const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), 0, 0, &plugin};'

echo "$entry" | expect good - "$cc" -xc
echo "$entry
FBX_EXPORT const fbx_entry fusebox_plugin_entry_v2 = {FBX_MAGIC, sizeof(fbx_entry), 0, 0, &plugin};" |
  expect two-versions - "$cc" -xc
echo 'int quiet(void) { return 1; }' |
  expect no-entry 'it exports no fusebox_plugin_entry_v1' "$cc" -xc
echo '__attribute__((visibility("default"))) void fusebox_plugin_entry_v1(void) {}' |
  expect function-entry 'fusebox_plugin_entry_v1 is a function, but the entry is data' "$cc" -xc
echo "$entry
FBX_EXPORT int helper(void); int helper(void) { return 1; }" |
  expect extra-export 'it exports 1 symbol(s) beside its entry: helper.' "$cc" -xc
echo "$entry
extern void fusebox_host_log(const char *); static void (*volatile use)(const char *) = fusebox_host_log;
static int f(void) { use(\"\"); return 0; } static int (*volatile g)(void) = f;
int h(void); int h(void) { return g(); }" |
  expect host-symbol 'it needs fusebox_host_log from the program that loads it' "$cc" -xc
if [ "$(uname -s)" = Linux ]; then
  echo '#include <fusebox/plugin.h>
static const fbx_plugin plugin = {sizeof(fbx_plugin), 0, "", 0, 0, 0};
extern "C" const fbx_entry fusebox_plugin_entry_v1 = {FBX_MAGIC, sizeof(fbx_entry), 0, 0, &plugin};
template <class T> struct __attribute__((visibility("default"))) Shared { static int value; };
template <class T> int Shared<T>::value = 1;
int use() { return ++Shared<int>::value; }' >"$work/unique.cpp"
  if "$cxx" -shared -fPIC -fvisibility=hidden -I "$source/sdk/include" -o "$work/probe.so" "$work/unique.cpp" &&
    "$nm" -D "$work/probe.so" | grep -q ' u '; then
    expect unique "_ZN6SharedIiE5valueE is a unique symbol" "$cxx" -xc++ <"$work/unique.cpp"
  else
    echo "note: $cxx makes no unique symbols here"
  fi
fi

[ ! -e "$work/bad" ] || exit 1
echo 'all as expected'
