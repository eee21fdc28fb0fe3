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

fusebox() { "$bin" --config "$config" "$@"; }
postgres() { fusebox db-shell -- -qAt -v ON_ERROR_STOP=1 -c "$1"; }
clickhouse() { fusebox clickhouse-shell -- --multiquery -q "$1"; }

chapter() { printf '\n== %s\n' "$1"; }

write_sample() {
  postgres "DROP SCHEMA IF EXISTS sample CASCADE; CREATE SCHEMA sample;
    CREATE TABLE sample.projects (id int PRIMARY KEY, name text);
    CREATE TABLE sample.prompts (id int PRIMARY KEY, project int REFERENCES sample.projects, text text);
    INSERT INTO sample.projects SELECT g, 'project ' || g FROM generate_series(1, 20) g;
    INSERT INTO sample.prompts SELECT g, 1 + g % 20, md5(g::text) FROM generate_series(1, 5000) g"
  clickhouse "CREATE DATABASE IF NOT EXISTS sample; DROP TABLE IF EXISTS sample.traces;
    CREATE TABLE sample.traces (id UInt64, name String) ENGINE = MergeTree ORDER BY id;
    INSERT INTO sample.traces SELECT number, toString(number) FROM numbers(100000)"
  fusebox redis-cli -- mset sample:1 one sample:2 two sample:3 three >/dev/null
}

count() {
  echo "PostgreSQL: $(postgres 'SELECT count(*) FROM sample.projects') projects," \
    "$(postgres 'SELECT count(*) FROM sample.prompts') prompts;" \
    "ClickHouse: $(clickhouse 'SELECT count() FROM sample.traces') traces;" \
    "Redis: $(fusebox redis-cli -- --raw exists sample:1 sample:2 sample:3) keys"
}

destroy() {
  postgres 'DROP SCHEMA sample CASCADE' 2>/dev/null
  clickhouse 'DROP DATABASE sample'
  fusebox redis-cli -- flushall >/dev/null
}

up() {
  cmake/setup.sh demo
  build
  left_out=$(absent)
  chapter 'Deploy: every service up, every store proven'
  # shellcheck disable=SC2086 # several words
  fusebox $left_out deploy
  chapter 'Write sample data'
  write_sample
  before=$(count)
  echo "$before"
  chapter 'Back up: captured while it runs, verified by its own tools'
  fusebox backup create --note 'made by the demo'
  chapter 'Destroy the data'
  destroy
  echo 'gone: two tables, a database, every key'
  chapter 'Restore it'
  # shellcheck disable=SC2086
  fusebox $left_out restore latest --yes
  after=$(count)
  echo "before: $before"
  echo "after:  $after"
  if [ "$before" != "$after" ]; then
    echo 'demo: the restore did not bring back what was there' >&2
    exit 1
  fi
  chapter 'Drill: the backup restored once more, in servers beside the live ones'
  # shellcheck disable=SC2086
  fusebox $left_out backup drill
  chapter 'Healthy, backed up, proven'
  # shellcheck disable=SC2086
  fusebox $left_out health
  echo
  echo 'The same from here, with make:'
  echo '  make health-verbose   make logs ARGS=-f   make urls   make backup   make restore   make demo-down'
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
  rm -rf "$state" configs/demo/backups configs/demo/.env configs/demo/..env.lock
  rmdir "$(dirname "$state")" /var/lib/fusebox 2>/dev/null || true # unless other stacks have theirs
  echo 'demo: gone: services, data, backups, secrets and journals'
}

case ${1:-} in
  up) up ;;
  down) down ;;
  *)
    echo 'usage: cmake/demo.sh up|down' >&2
    exit 2
    ;;
esac
