#!/bin/sh
# SPDX-License-Identifier: MIT
# How long the search for lost blocks takes: bench_leak.sh BUILD [MIB BLOCKS [THREADS]]. Without sizes: 1 GiB in 100,000
# and in 10 million blocks, 4 GiB in 10 million, and 1 GiB while a second thread allocates. Needs memory for that, jq,
# and an idle machine.
set -eu

build=$(realpath "${1:?usage: bench_leak.sh BUILD [MIB BLOCKS [THREADS]]}")
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d "${TMPDIR:-/tmp}/memprof-bench-leak.XXXXXX")
trap 'rm -rf "$dir"' EXIT
${CC:-cc} -O2 -Wall -Wextra -I"$here" -o "$dir/bench_leak" "$here/bench_leak.c" -pthread

measure()
{
	rm -f "$dir"/*.bin
	lost=$(MEMPROF_OUT=$dir/%p.bin MEMPROF_LEAK_TIMEOUT_MS=600000 LD_PRELOAD=$build/libmemprof.so \
		"$dir/bench_leak" "$@" | sed -n 's/^lost //p')
	"$build/memprof-analyze" --format json --no-symbols "$dir"/*.bin |
		jq -r --argjson lost "$lost" --arg what "$*" '
		([.leaks[] | select(.class == "definite" or .class == "indirect") | .count] | add // 0) as $found |
		.leak_scan |
		if .ran | not then error("no verdict: \(.why_not)")
		elif $found != $lost then error("\($found) blocks lost, not \($lost)") else
		"\($what): \(.duration_ns / 1e6 | round) ms, " +
		"\((.cpu_ns // 0) / 1e6 | round) ms of a processor, paused \(.pause_ns / 1e5 | round / 10) ms, " +
		"\(.method), \(.heap_bytes / 1048576 | round) MiB searched" end'
}

shift
if [ $# -gt 0 ]; then
	measure "$@"
	exit
fi
measure 1024 100000
measure 1024 10000000
measure 4096 10000000
measure 1024 100000 1
