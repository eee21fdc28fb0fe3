#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh up|down: the data plane of Langfuse on this machine, from configs/demo.toml.
set -eu
cd "$(dirname "$0")/.."
bin=build/release/bin/fusebox
config=configs/demo.toml

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
    echo '--skip probe-minio --set plugins.runtime-process.services.minio.enabled=false'
  fi
}

case ${1:-} in
  up)
    cmake/setup.sh demo
    build
    # shellcheck disable=SC2046 # several words
    "$bin" --config "$config" $(absent) deploy
    ;;
  down)
    [ -x "$bin" ] || { echo 'demo: nothing was built, so nothing runs'; exit 0; }
    "$bin" --config "$config" down --volumes --yes
    ;;
  *)
    echo 'usage: cmake/demo.sh up|down' >&2
    exit 2
    ;;
esac
