#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh [--quick|--changed]: clang-format, clang-tidy, shellcheck and actionlint, all with their root configs.
#
#   --quick     without clang-tidy: seconds instead of minutes
#   --changed   clang-tidy only over files that differ from main
set -eu
cd "$(dirname "$0")/.."
failed=

echo 'lint: clang-format'
git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror || failed="$failed clang-format"

if command -v shellcheck >/dev/null; then
  echo 'lint: shellcheck'
  { git ls-files '*.sh' && echo .ci/run; } | xargs shellcheck || failed="$failed shellcheck"
else
  echo 'lint: shellcheck is not installed, skipped'
fi

if command -v actionlint >/dev/null; then
  echo 'lint: actionlint'
  actionlint .github/workflows/*.yml || failed="$failed actionlint"
else
  echo 'lint: actionlint is not installed, skipped'
fi

if [ "${1:-}" != --quick ]; then
  # clang-tidy reads GCC's command lines, but not the options that only GCC knows.
  mkdir -p build/lint
  cmake --preset dev >/dev/null
  sed 's/ -fno-gnu-unique//g' build/dev/compile_commands.json >build/lint/compile_commands.json
  files=$(git ls-files 'core/*.cpp' 'plugins/*.cpp' 'sdk/*.cpp')
  if [ "${1:-}" = --changed ]; then
    files=$(git diff --name-only --diff-filter=d main -- 'core/*.cpp' 'plugins/*.cpp' 'sdk/*.cpp')
  fi
  if [ -n "$files" ]; then
    echo "lint: clang-tidy over $(echo "$files" | wc -l) files"
    echo "$files" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 1 clang-tidy -p build/lint --quiet 2>/dev/null ||
      failed="$failed clang-tidy"
  fi
fi

[ -z "$failed" ] || { echo "lint: failed:$failed" >&2; exit 1; }
echo 'lint: clean'
