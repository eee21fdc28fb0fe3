#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh up|down: the data plane of Langfuse on this machine, from configs/demo.toml.
set -eu
cd "$(dirname "$0")/.."
bin=build/release/bin/fusebox
config=configs/demo.toml
stack=langfuse-demo

build() {
  log=build/demo-build.log
  mkdir -p build
  started=$(date +%s)
  [ -x "$bin" ] || echo "demo: building fusebox, a few minutes the first time (log: $log)"
  if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "demo: the build failed; the whole log is in $log" >&2
    exit 1
  fi
  echo "demo: built in $(($(date +%s) - started)) s"
}

# Options that leave a server out when this machine does not have its program, said loudly.
absent() {
  if ! command -v minio >/dev/null; then
    echo 'demo: WARNING: no MinIO on this machine: the demo runs WITHOUT it' >&2
    echo '--skip probe-minio'
  fi
}

up() {
  cmake/setup.sh demo
  build
  # shellcheck disable=SC2046 # several words
  "$bin" --config "$config" $(absent) deploy
  echo
  echo 'The same from here, with make:'
  echo '  make health-verbose   make logs ARGS=-f   make urls   make demo-down'
}

# Removes what the stack's own `down --volumes` leaves on purpose: journals and generated secrets.
down() {
  if [ ! -x "$bin" ]; then
    echo 'demo: nothing was built here, so nothing runs'
    return
  fi
  "$bin" --config "$config" down --volumes --yes --confirm "$stack"
  state=$("$bin" --config "$config" config path | sed -n 's/^state  *//p')
  case $state in
    */fusebox/"$stack") ;;
    *) echo "demo: unexpected state folder '$state', left alone" >&2; exit 1 ;;
  esac
  rm -rf "$state" configs/demo/.env configs/demo/..env.lock
  rmdir "$(dirname "$state")" /var/lib/fusebox 2>/dev/null || true # unless other stacks have theirs
  echo 'demo: gone: services, data, secrets and journals'
}

case ${1:-} in
  up) up ;;
  down) down ;;
  *)
    echo 'usage: cmake/demo.sh up|down' >&2
    exit 2
    ;;
esac
