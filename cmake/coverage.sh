#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# coverage.sh [jobs]: runs the tests with instrumentation and prints the line coverage of core and
# sdk. Fails under 85 %.
set -eu
cd "$(dirname "$0")/.."
jobs=${1:-2}
cmake --preset coverage
cmake --build --preset coverage --parallel "$jobs"
find build/coverage -name '*.gcda' -delete # counts of an earlier run
ctest --preset coverage --parallel "$jobs"
gcovr --root . --object-directory build/coverage --filter 'core/' --filter 'sdk/' \
  --exclude-unreachable-branches --exclude-throw-branches -j "$jobs" \
  --html-details build/coverage/report.html --print-summary --fail-under-line 85
