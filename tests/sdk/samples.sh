#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# samples.sh <cmake> <build folder> <source folder> <c|c++|rust|go>
#
# Builds a sample plugin against a fresh installation, checks it, and uses it in a pipeline. Where its
# language's compiler is not installed it says so and ends with 77.
set -eu
cmake=$1 build=$2 source=$3 language=$4
case $language in
  rust) tool=rustc ;;
  go) tool=go ;;
  *) tool=cmake ;;
esac
if ! command -v "$tool" >/dev/null; then
  echo "skipped: there is no $tool here, so the sample in $language is not built"
  exit 77
fi
work=$(mktemp -d)
server=
finish() {
  rc=$?
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  if [ $rc -eq 0 ]; then rm -rf "$work"; else echo "kept for a look: $work"; fi
}
trap finish EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}

prefix=$work/prefix
"$cmake" --install "$build" --prefix "$prefix" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
# rustup finds its compiler by the home folder, so ours changes only after the build.
GOCACHE=$work/go-cache "$source/docs/plugins/samples/build.sh" "$prefix" "$work/plugins" "$language" >"$work/log" 2>&1 ||
  fail "$(cat "$work/log")"
chmod -R u+w "$work/go-cache" 2>/dev/null || true
export HOME="$work/home" XDG_STATE_HOME="$work/state" NO_COLOR=1
mkdir -p "$HOME" "$XDG_STATE_HOME"
cd "$work"
fusebox() { "$prefix/bin/fusebox" --plugin-dir "$work/plugins" "$@"; }
check() { fusebox plugins check "$@" >"$work/log" 2>&1 || fail "$(cat "$work/log")"; }
# step <id> <verb> <text>: a pipeline of that step says the text.
step() {
  printf '[stack]\nname = "samples"\n[plugins.%s]\n%s\n[phases.try]\nsteps = ["%s.%s"]\n' "$1" "${4:-}" "$1" "$2" >fusebox.toml
  fusebox run try >"$work/log" 2>&1 || fail "$(cat "$work/log")"
  grep -q "$3" "$work/log" || fail "the pipeline does not say '$3': $(cat "$work/log")"
}

case $language in
  c)
    check "$work/plugins/greeter.so" --run --strictness 3
    step greeter greet 'hello, world, from plain C'
    ;;
  rust)
    check "$work/plugins/rusty.so" --run
    step rusty greet 'hello from Rust'
    ;;
  go)
    # Go's runtime starts threads and takes signals: README.md says what follows from that.
    check "$work/plugins/gopher.so" --run --only manifest,entry.exports,entry.magic,entry.manifest,interface,life.create,life.two,config,step,run
    step gopher greet 'hello from Go'
    ;;
  c++)
    python3 "$source/tests/sdk/receiver.py" "$work/received" >"$work/port" &
    server=$!
    tries=0
    while [ ! -s "$work/port" ]; do
      tries=$((tries + 1))
      [ $tries -lt 100 ] || fail 'the receiver did not say its port within 10 s'
      sleep 0.1
    done
    url=http://127.0.0.1:$(cat "$work/port")/hook
    value=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf 'HOOK_TOKEN=%s\n' "$value" >secrets.env
    chmod 600 secrets.env
    cat >fusebox.toml <<TOML
[stack]
name = "samples"
[plugins.webhook]
url = "$url"
token = { secret = "HOOK_TOKEN" }
[plugins.secrets-file]
file = "secrets.env"
[plugins.gone]
use = "probe-http"
url = "http://127.0.0.1:1/"
[phases.try]
steps = ["gone.check"]
TOML
    check --config fusebox.toml "$work/plugins/webhook.so"
    : >"$work/received"
    fusebox run try >"$work/log" 2>&1 || true # nothing listens at port 1: what counts is what is posted
    grep -q '"phase":"try"' "$work/received" || fail "nothing was posted: $(cat "$work/log")"
    grep -q "Bearer $value" "$work/received" || fail 'the token was not sent'
    if grep -rq "$value" "$work/log" "$work/state"; then fail 'the token is in a log or a journal'; fi
    ;;
esac
echo "ok: the sample in $language"
