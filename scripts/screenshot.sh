#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the pictures in the README: the report page of a run of python3, in Chromium. screenshot.sh [BUILD]
set -eu

cd "$(dirname "$0")/.."
build=${1:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PYTHONMALLOC=malloc "$build/memprof" --out="$scratch/python3.bin" -- \
	/usr/bin/python3 tests/bench/workloads/python3.py >/dev/null 2>&1
"$build/memprof-analyze" html -o "$scratch/python3.html" "$scratch/python3.bin"
node tests/e2e/html_page.js shots "$scratch/python3.html" .github/report
