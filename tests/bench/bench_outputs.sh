#!/bin/sh
# SPDX-License-Identifier: MIT
# What the analyzer needs for each kind of output: bench_outputs.sh BUILD [DUMP...]. Without dumps: of cc1 compiling a
# file of 3,000 small functions, and of python3 at work (PYTHONMALLOC=malloc). Prints seconds of CPU time, peak memory
# of the analyzer and size of the output. Symbols are read anew each time, as for somebody who runs one command.
set -eu

build=$(realpath "${1:?usage: bench_outputs.sh BUILD [DUMP...]}")
shift
here=$(dirname "$(realpath "$0")")
dir=$(mktemp -d "${TMPDIR:-/tmp}/memprof-bench-outputs.XXXXXX")
trap 'rm -rf "$dir"' EXIT
analyze=$build/memprof-analyze
unset LD_PRELOAD DEBUGINFOD_URLS

record()
{
	name=$1
	shift
	env "MEMPROF_OUT=$dir/$name.bin" "LD_PRELOAD=$build/libmemprof.so" "$@" >/dev/null
}

if [ $# -eq 0 ]; then
	awk 'BEGIN { for (i = 0; i < 3000; i++)
		printf "int f%d(int a, int *b) { while (a--) b[a] += %d * a; return b[0]; }\n", i, i }' \
		>"$dir/input.c"
	record cc1 "$(${CC:-gcc} -print-prog-name=cc1)" -quiet -O1 -o - "$dir/input.c"
	record python3 PYTHONMALLOC=malloc PYTHONHASHSEED=0 python3 -s -S -B "$here/workloads/python3.py"
	set -- "$dir/cc1.bin" "$dir/python3.bin"
fi

# measured NAME COMMAND...: a command that writes its output to $dir/out, or to stdout.
measured()
{
	what=$1
	shift
	rm -f "$dir/out"
	/usr/bin/time -f '%U %S %M' -o "$dir/time" "$@" >"$dir/stdout" 2>"$dir/stderr" || {
		echo "$what: $(tail -n 1 "$dir/stderr")" >&2
		exit 1
	}
	[ -e "$dir/out" ] || mv "$dir/stdout" "$dir/out"
	awk -v what="$what" -v bytes="$(wc -c <"$dir/out")" '{
		printf "  %-14s %6.2f s  %6.1f MiB  %9.1f KiB\n", what, $1 + $2, $3 / 1024, bytes / 1024 }' "$dir/time"
}

for dump in "$@"; do
	"$analyze" --format json --no-symbols "$dump" | jq -r --arg bytes "$(wc -c <"$dump")" '
		"\(.process.exe | split("/") | last): \(.totals.alloc_count) allocations, \(.sites | length) stacks, " +
		"dump of \(($bytes | tonumber) / 1024 | round) KiB"'
	echo '  output             CPU      memory         size'
	measured text "$analyze" "$dump"
	for format in json folded; do
		measured "$format" "$analyze" --format "$format" "$dump"
	done
	measured html "$analyze" html "$dump" -o "$dir/out"
	for format in pprof speedscope callgrind massif dhat firefox perfetto heaptrack sqlite openmetrics; do
		measured "$format" "$analyze" export --format "$format" -o "$dir/out" "$dump"
	done
	measured bundle "$analyze" bundle "$dump" -o "$dir/out"
done
