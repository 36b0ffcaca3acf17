#!/bin/bash
# SPDX-License-Identifier: MIT
# End-to-end tests: run_e2e.sh [-l] [-v] [-s] [BUILD] [CASE...]. -l lists the cases, -v shows the output of all, not
# only of those that fail, -s runs the slow ones, of slow/, in place of the others. BUILD (default build) holds
# libmemprof.so, memprof-analyze, memprof and tests/targets. A CASE may be a pattern. Needs jq; no root (cases that do
# skip), no network.
set -u
unset CDPATH

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
	local name=$1 dir=$SCRATCH/$1 start=${EPOCHREALTIME/./} status took line DEFAULT_SIGNALS=()

	env --default-signal true 2>/dev/null && DEFAULT_SIGNALS=(--default-signal)
	mkdir "$dir"
	# Signals that the caller ignores, as nohup does, no shell could trap; of its open files cases know nothing.
	timeout -k 5 "$LIMIT" env "${DEFAULT_SIGNALS[@]}" "${BASH_SOURCE[0]}" --run "$name" "$dir" >"$dir.log" 2>&1 \
		</dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
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

# The same everywhere, whatever the caller's session is like: tmux would take that of the caller for its own, git his
# repository, and programs do what he told them by their variables.
umask 022
export LC_ALL=C.UTF-8 TERM=dumb SHELL=/bin/sh
for variable in $(compgen -e); do
	case $variable in
	MEMPROF_* | LD_PRELOAD | LD_AUDIT | LD_BIND_NOW | LD_DEBUG | GLIBC_TUNABLES | MALLOC_* | NO_COLOR | \
		CLICOLOR_FORCE | FORCE_COLOR | DEBUGINFOD_* | TMUX | TMUX_PANE | BASH_ENV | ENV | POSIXLY_CORRECT | \
		COLUMNS | LINES | MAKEFLAGS | MFLAGS | MAKELEVEL | MAKEFILES | GIT_* | OMP_* | GOMP_* | KMP_* | \
		*_proxy | *_PROXY | PYTHONMALLOC* | PYTHONDEVMODE | PYTHONHASHSEED | PYTHONTRACEMALLOC | \
		USE_ZEND_ALLOC* | *SAN_OPTIONS)
		unset "$variable"
		;;
	esac
done
# However busy the machine is, there is a verdict on leaks.
export MEMPROF_LEAK_TIMEOUT_MS=300000

# make_scratch DIRECTORY: below it, where programs can be run. Its name is that which the kernel has for it, and short:
# that of a socket has 107 bytes with the case's name and the server's.
make_scratch()
{
	[ "${#1}" -le 40 ] || [ "$1" = "$BUILD" ] || return
	SCRATCH=$(mktemp -d "$1/memprof-e2e.XXXXXX" 2>/dev/null) || return
	SCRATCH=$(cd "$SCRATCH" && pwd -P)
	printf '#!/bin/sh\n' >"$SCRATCH/program" && chmod +x "$SCRATCH/program"
	"$SCRATCH/program" 2>/dev/null || { rm -rf "$SCRATCH"; return 1; }
	rm "$SCRATCH/program"
}

make_scratch "${TMPDIR:-/tmp}" || make_scratch /tmp || make_scratch /var/tmp || make_scratch "$BUILD" ||
	{ echo "run_e2e.sh: no directory to work in: set TMPDIR to one that programs can be run from" >&2; exit 2; }
export SCRATCH
# go keeps files there, and has no other place.
[[ -d ${HOME:-} && -w $HOME ]] || export HOME=$SCRATCH
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
