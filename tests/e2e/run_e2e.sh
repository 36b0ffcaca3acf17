#!/bin/bash
# SPDX-License-Identifier: MIT
# End-to-end tests: run_e2e.sh [-l] [-v] [-s] [BUILD] [CASE...]. -l lists the cases, -v shows the output of all, not
# only of those that fail, -s runs the slow ones, of slow/, in place of the others. BUILD (default build) holds
# libmemprof.so, memprof-analyze, memprof and tests/targets. A CASE may be a pattern. Needs jq; no root (cases that do
# skip), no network.
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export SLOW=${SLOW:-0}
# Seconds per case; on an idle machine all take less than 10, the slow ones less than 60, on a busy one ten times that.
LIMIT=${E2E_LIMIT:-$((SLOW ? 1500 : 600))}

usage()
{
	sed -n '3,6s/^# //p' "${BASH_SOURCE[0]}"
	exit 2
}

load()
{
	local file

	# shellcheck source=tests/e2e/lib.sh
	. "$HERE/lib.sh"
	for file in "$HERE/$([ "$SLOW" = 0 ] || echo slow)"/*.test; do
		# shellcheck source=/dev/null
		. "$file"
	done
}

# Every function case_*, and every target program that no such function and no other target is made for.
list_cases()
{
	{
		compgen -A function case_ | sed 's/^case_//'
		[ "$SLOW" = 1 ] || for source in "$HERE"/../targets/*.c "$HERE"/../targets/*.cc; do
			name=$(basename "${source%.*}")
			case " $NOT_ALONE " in *" $name "*) continue ;; esac
			declare -F "case_$name" >/dev/null || echo "$name"
		done
	} | sort
}

run_case()
{
	cd "$2" || exit 1
	if declare -F "case_$1" >/dev/null; then
		"case_$1"
	else
		target "$1"
	fi
	exit 0
}

# Runs one case with its time limit and prints its line in one piece, because several run at a time.
supervise()
{
	local name=$1 dir=$SCRATCH/$1 start=${EPOCHREALTIME/./} status took line

	mkdir "$dir"
	timeout -k 5 "$LIMIT" "${BASH_SOURCE[0]}" --run "$name" "$dir" >"$dir.log" 2>&1 </dev/null
	status=$?
	took=$(((${EPOCHREALTIME/./} - start) / 100000))
	took=$((took / 10)).$((took % 10))s
	case $status in
	0) line="ok - $name # $took" ;;
	77) line="ok - $name # SKIP $(tail -n 1 "$dir.log")" ;;
	124 | 137) line="not ok - $name # $took, time limit" ;;
	*) line="not ok - $name # $took" ;;
	esac
	if [ "$VERBOSE" = 1 ] || [ "${line%% -*}" = "not ok" ]; then
		line+=$'\n'$(sed 's/^/    /' "$dir.log" | tr -d '\000')
	fi
	printf '%s\n' "$line"
	echo "${line%%$'\n'*}" >"$dir.line"
	case $line in "ok "*) rm -rf "$dir" ;; esac
}

if [ "${1:-}" = --run ]; then
	load
	run_case "$2" "$3"
fi
if [ "${1:-}" = --supervise ]; then
	supervise "$2"
	exit 0
fi

export VERBOSE=0 LIST=0
while getopts lvsh option; do
	case $option in
	s) SLOW=1 ;;
	l) LIST=1 ;;
	v) VERBOSE=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
load
if [ "$LIST" = 1 ]; then
	list_cases
	exit 0
fi

BUILD=${1:-${BUILD:-build}}
[ $# -gt 0 ] && shift
BUILD=$(cd "$BUILD" && pwd) || exit 2
export BUILD HERE LIBRARY=$BUILD/libmemprof.so ANALYZE=$BUILD/memprof-analyze LAUNCHER=$BUILD/memprof
export TARGETS=$BUILD/tests/targets
for file in "$LIBRARY" "$ANALYZE" "$LAUNCHER" "$TARGETS/leak"; do
	[ -x "$file" ] || { echo "run_e2e.sh: $file is missing: run make first" >&2; exit 2; }
done
command -v jq >/dev/null || { echo "run_e2e.sh: jq is missing: run scripts/install-deps.sh --tests" >&2; exit 2; }

# The same everywhere, whatever the caller's session is like.
export LC_ALL=C.UTF-8 TERM=dumb
unset DEBUGINFOD_URLS LD_PRELOAD NO_COLOR CLICOLOR_FORCE
for variable in $(compgen -e MEMPROF_); do
	unset "$variable"
done

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/memprof-e2e.XXXXXX") || exit 2
export SCRATCH
trap 'rm -rf "$SCRATCH"' EXIT

mapfile -t cases < <(list_cases)
if [ $# -gt 0 ]; then
	wanted=()
	for name in "${cases[@]}"; do
		for pattern; do
			# shellcheck disable=SC2053
			[[ $name == $pattern ]] && wanted+=("$name") && break
		done
	done
	cases=("${wanted[@]}")
fi
[ "${#cases[@]}" -gt 0 ] || { echo "run_e2e.sh: no such case" >&2; exit 2; }

echo "1..${#cases[@]}"
printf '%s\n' "${cases[@]}" | xargs -n 1 -P "${JOBS:-2}" "${BASH_SOURCE[0]}" --supervise
passed=$(cat "$SCRATCH"/*.line | grep -c '^ok [^#]*# [0-9]')
skipped=$(cat "$SCRATCH"/*.line | grep -c '^ok [^#]*# SKIP')
failed=$((${#cases[@]} - passed - skipped))
if [ "$failed" -gt 0 ]; then
	trap - EXIT
	echo "# what the failed cases left: $SCRATCH"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
