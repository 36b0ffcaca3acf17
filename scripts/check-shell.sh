#!/bin/sh
# SPDX-License-Identifier: MIT
# Every shell script passes shellcheck.
set -eu

cd "$(dirname "$0")/.."
command -v shellcheck >/dev/null || { echo "check-shell.sh: shellcheck is missing" >&2; exit 1; }
# Cases are used by name, and by other files.
shellcheck -x -e SC2034,SC2317 .ci/run scripts/memprof scripts/*.sh tests/e2e/*.sh tests/e2e/*.test
