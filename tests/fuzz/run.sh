#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every libFuzzer target for a while. What it finds stays in build/fuzz/findings/<target>/;
# an input that breaks a target belongs into tests/fuzz/corpus/<target>/ with its fix.
#   tests/fuzz/run.sh [seconds per target, 20] [target ...]
#   tests/fuzz/run.sh --check [target ...]    the same inputs every time: a change that passed, passes again
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
effort=${1:-20}
[ $# -gt 0 ] && shift

cd "$root"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz_targets

if [ $# -eq 0 ]; then
  for program in build/fuzz/bin/fuzz_*; do
    [ -x "$program" ] && set -- "$@" "$(basename "$program")"
  done
fi

failed=0
for target in "$@"; do
  findings=build/fuzz/findings/$target
  if [ "$effort" = --check ]; then
    grown=build/fuzz/check/$target
    rm -rf "$grown"
    set -- -seed=1 -runs=20000
    printf '== %s, 20000 runs\n' "$target"
  else
    grown=build/fuzz/corpus/$target
    set -- -max_total_time="$effort"
    printf '== %s, %s s\n' "$target" "$effort"
  fi
  mkdir -p "$grown" "$findings"
  set -- "$@" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 -print_funcs=0 -verbosity=0 -artifact_prefix="$findings/"
  dictionary=tests/fuzz/dict/$target.dict
  [ -f "$dictionary" ] && set -- "$@" -dict="$dictionary"
  "build/fuzz/bin/$target" "$@" "$grown" "tests/fuzz/corpus/$target" || {
    failed=1
    echo "$target broke: see $findings" >&2
  }
done
exit $failed
