#!/bin/sh
# SPDX-License-Identifier: MIT
# How long the search for lost blocks takes: bench_leak.sh BUILD [MIB BLOCKS [THREADS]]. Without sizes: 1 GiB in 100,000
# and in 10 million blocks, 4 GiB in 10 million; then 1 and 4 GiB while a second thread allocates, beside what a fork of
# that much memory takes without us. Needs memory for that, jq, and an idle machine.
set -eu

build=$(realpath "${1:?usage: bench_leak.sh BUILD [MIB BLOCKS [THREADS]]}")
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d "${TMPDIR:-/tmp}/memprof-bench-leak.XXXXXX")
trap 'rm -rf "$dir"' EXIT
for program in bench_leak bench_fork; do
	${CC:-cc} -O2 -Wall -Wextra -I"$here" -o "$dir/$program" "$here/$program.c" -pthread
done

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

forked()
{
	"$dir/bench_fork" "$1" | awk -v mib="$1" '
		{ value[$1] = $2 }
		END { printf "%d MiB without memprof: fork %.0f ms, a byte of each page in %.0f ms\n",
			mib, value["fork_ms"], value["touch_ms"] }'
}

shift
if [ $# -gt 0 ]; then
	measure "$@"
	[ $# -lt 3 ] || forked "$1"
	exit
fi
measure 1024 100000
measure 1024 10000000
measure 4096 10000000
measure 1024 100000 1
measure 4096 10000000 1
forked 1024
forked 4096
