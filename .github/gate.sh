#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the workflow and the action run. FUSEBOX names the program; else the one that `build` made,
# else the one in PATH.
#
#   gate.sh build                      builds fusebox from the folder that this script is in
#   gate.sh scan FOLDER BASE HEAD      the commits of HEAD that BASE has not; without a BASE, all of HEAD's
#   gate.sh self-test                  plants a secret and fails unless `scan` stops it
#
# scan writes $FUSEBOX_SARIF (default fusebox.sarif) and, to $GITHUB_OUTPUT, `found` and `rules`. It
# ends as fusebox does: 0 clean, 5 findings, anything else: it could not look.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
built=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/fusebox-gate-build
sarif=${FUSEBOX_SARIF:-fusebox.sarif}
rules=${FUSEBOX_RULES:-$root/configs/scanner/rules.toml}

die() {
  printf 'gate: %s\n' "$*" >&2
  exit 1
}

program() {
  if [ -n "${FUSEBOX:-}" ]; then
    echo "$FUSEBOX"
  elif [ -x "$built/bin/fusebox" ]; then
    echo "$built/bin/fusebox"
  else
    command -v fusebox || die 'there is no fusebox; run gate.sh build'
  fi
}

tell() {
  [ -z "${GITHUB_OUTPUT:-}" ] || printf '%s\n' "$1" >>"$GITHUB_OUTPUT"
}

build() {
  "$root/cmake/setup.sh" build
  cmake -S "$root" -B "$built" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFUSEBOX_TESTS=OFF
  cmake --build "$built" --target fusebox scanner-gitleaks
}

# known COMMIT: is it here? A force-push's is not, and a new branch has zeros.
known() { [ -n "$1" ] && git -C "$folder" cat-file -e "$1^{commit}" 2>/dev/null; }

scan() {
  folder=$1
  known "$3" || die "there is no commit $3 in $folder"
  range=$3
  if known "$2"; then range=$2..$3; fi
  fusebox=$(program)
  rm -f "$sarif"
  status=0
  # The rules come from here, not from what is scanned: a change cannot exempt itself.
  "$fusebox" scan "$folder" --log-opts "$range" --rules "$rules" --ignore "$folder" --format sarif \
    --output "$sarif" || status=$?
  [ -s "$sarif" ] || [ "$status" -ne 0 ] || die 'the scan left no report'
  if [ "$status" -eq 5 ]; then
    tell 'found=true'
    tell "rules=$(grep -o '"ruleId":"[^"]*"' "$sarif" | cut -d'"' -f4 | tr -cd 'a-zA-Z0-9_\n-' |
      sort -u | paste -sd ' ' -)"
  else
    tell 'found=false'
  fi
  return "$status"
}

# attempt EXPECTED TEXT: one more commit with TEXT, and how scanning it has to end.
attempt() {
  before=$(git -C "$sandbox" rev-parse -q --verify HEAD || true)
  printf '%s\n' "$2" >"$sandbox/app.env"
  git -C "$sandbox" add app.env
  git -C "$sandbox" -c user.name=gate -c user.email=gate@localhost -c commit.gpgsign=false \
    -c core.hooksPath=/dev/null commit -q -m attempt
  status=0
  (scan "$sandbox" "$before" "$(git -C "$sandbox" rev-parse HEAD)") || status=$?
  [ "$status" -eq "$1" ] || die "expected the scan to end with $1, it ended with $status"
}

self_test() {
  sandbox=$(mktemp -d)
  trap 'rm -rf "$sandbox"' EXIT
  git init -q "$sandbox"
  sarif=$sandbox/report.sarif
  unset GITHUB_OUTPUT
  attempt 0 'POSTGRES_PASSWORD=op://Langfuse-Prod/langfuse/postgres_password'
  # Made here, so that it stands in no file: a key of Langfuse's form.
  id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n' |
    sed 's/\(........\)\(....\)\(....\)\(....\)\(.*\)/\1-\2-\3-\4-\5/')
  attempt 5 "LANGFUSE_SECRET_KEY=sk-lf-$id"
  grep -q '"ruleId":"langfuse-secret-key"' "$sarif" || die 'the report does not name the rule'
  ! grep -q "$id" "$sarif" || die 'the report holds the value'
  attempt 0 'LANGFUSE_SECRET_KEY=op://Langfuse-Prod/langfuse/secret_key'
  echo 'gate: it bites'
}

case ${1:-} in
  build) build ;;
  scan)
    [ $# -eq 4 ] || die 'usage: gate.sh scan FOLDER BASE HEAD'
    scan "$2" "$3" "$4"
    ;;
  self-test) self_test ;;
  *) die 'usage: gate.sh build | scan FOLDER BASE HEAD | self-test' ;;
esac
