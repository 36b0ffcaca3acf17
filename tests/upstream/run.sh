#!/bin/bash
# SPDX-License-Identifier: MIT
# The test suites of other projects, without memprof and with it: the results must be the same, test by test.
#
#   run.sh SUITE SOURCE [BUILD] [TEST...]
#
# SUITE is coreutils, jq, redis or sqlite; SOURCE its unpacked source package (apt-get source), of the version that is
# installed: the programs under test are those of the system, so nothing is built. But for sqlite: that has a program of
# its own for tests, made in SOURCE by "./configure && make testfixture". TEST: patterns, in place of a usual selection.
# Prints the tests whose result differs, and a line with the numbers; exit status 1 if there are any.
set -u

[ $# -ge 2 ] || { sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 2; }
suite=$1
source=$(cd "$2" && pwd) || exit 2
build=$(cd "${3:-build}" && pwd) || exit 2
shift $(($# > 3 ? 3 : $#))
selection=("$@")
library=$build/libmemprof.so
# Seconds for one test; not there to measure, so rather too many.
LIMIT=${LIMIT:-1800}
[ -r "$library" ] || { echo "run.sh: no $library" >&2; exit 2; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/memprof-upstream.XXXXXX") || exit 2
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT

# with_memprof COMMAND...: every process below is recorded, into a directory that is emptied for each test.
with_memprof()
{
	rm -rf "$scratch/dumps"
	mkdir -m 1777 "$scratch/dumps"
	env LD_PRELOAD="$library" MEMPROF_OUT="$scratch/dumps/%e.%p.bin" MEMPROF_QUIET=on "$@"
}

coreutils_tests()
{
	local pattern

	cd "$source" || exit 2
	[ ${#selection[@]} -gt 0 ] || selection=('tests/cp/*.sh' 'tests/mv/*.sh' 'tests/rm/*.sh' 'tests/ls/*.sh'
		'tests/mkdir/*.sh' 'tests/split/*.sh' 'tests/ln/*.sh' 'tests/misc/sort*.sh' 'tests/misc/head*.sh'
		'tests/misc/ta[ic]*.sh' 'tests/misc/w[ch]*.sh' 'tests/misc/e*.sh' 'tests/misc/n*.sh' 'tests/misc/t*.sh')
	for pattern in "${selection[@]}"; do
		compgen -G "$pattern"
	done
}

coreutils_prepare()
{
	local program

	mkdir -p "$scratch/tree/src" "$scratch/tree/tests"
	for program in $(dpkg -L coreutils | grep -E '^(/usr)?/s?bin/'); do
		ln -sf "$program" "$scratch/tree/src/${program##*/}"
	done
	: >"$scratch/tree/config.h"
}

jq_tests()
{
	cd "$source" || exit 2
	# One program, input and output each, with blank lines between.
	[ ${#selection[@]} -gt 0 ] || selection=('tests/*.test')
	for pattern in "${selection[@]}"; do
		compgen -G "$pattern"
	done
	compgen -G 'tests/shtest'
}

jq_prepare()
{
	:
}

redis_tests()
{
	[ ${#selection[@]} -gt 0 ] || selection=(unit/type/string unit/type/list unit/type/hash unit/type/set
		unit/type/zset unit/expire unit/keyspace unit/scan unit/multi unit/scripting unit/pubsub unit/dump
		unit/auth unit/protocol unit/bitops unit/hyperloglog unit/acl integration/rdb integration/aof)
	printf '%s\n' "${selection[@]}"
}

redis_prepare()
{
	local program

	cp -r "$source" "$scratch/redis"
	for program in redis-server redis-cli redis-benchmark redis-check-aof redis-check-rdb redis-sentinel; do
		command -v "$program" >/dev/null && ln -sf "$(command -v "$program")" "$scratch/redis/src/$program"
	done
}

# Transactions, locks between connections, threads, and memory that runs out at each allocation in turn.
sqlite_tests()
{
	cd "$source" || exit 2
	[ ${#selection[@]} -gt 0 ] || selection=('test/select*.test' 'test/trans[23].test' 'test/lock*.test'
		'test/shared[0-9]*.test' 'test/thread[0-9]*.test' 'test/mutex*.test' 'test/malloc[12].test'
		'test/wal[2-9].test' 'test/backup*.test' 'test/json*.test')
	for pattern in "${selection[@]}"; do
		compgen -G "$pattern"
	done
}

sqlite_prepare()
{
	[ -x "$source/testfixture" ] || { echo "run.sh: no $source/testfixture" >&2; exit 2; }
}

# run_test HOW TEST: HOW is plain or with_memprof.
run_test()
{
	local how=$1 test=$2

	[ "$how" = plain ] && how=''
	case $suite in
	coreutils)
		(
			cd "$scratch/tree/tests" || exit 2
			coreutils_environment
			$how timeout -k 5 "$LIMIT" /bin/sh "$source/$test" 9>&2
		)
		;;
	jq)
		if [ "${test##*/}" = shtest ]; then
			(cd "$source" && $how env JQ=jq JQTESTDIR="$source/tests" JQBASEDIR="$source" \
				timeout "$LIMIT" sh "$test")
		else
			(cd "$source" && $how timeout "$LIMIT" jq -L tests/modules --run-tests "$test")
		fi
		;;
	sqlite)
		rm -rf "$scratch/sqlite"
		mkdir "$scratch/sqlite"
		(cd "$scratch/sqlite" && $how timeout -k 5 "$LIMIT" "$source/testfixture" "$source/$test")
		;;
	redis)
		(
			cd "$scratch/redis" || exit 2
			# tclsh is not what is tested: its children are told by a wrapper instead.
			wrap_redis "$how"
			# Other ports each time: those of the run before may not be free yet.
			timeout "$LIMIT" ./runtest --clients 1 --baseport $((20000 + RANDOM / 3)) --single "$test"
		)
		;;
	esac
}

# That of TESTS_ENVIRONMENT in tests/local.mk.
coreutils_environment()
{
	export abs_top_builddir=$scratch/tree abs_top_srcdir=$source abs_srcdir=$source srcdir=$source
	export top_srcdir=$source fail=0 host_os=linux-gnu host_triplet=x86_64-pc-linux-gnu EXEEXT='' CC=cc AWK=awk
	export EGREP='grep -E' MAKE=make PERL=perl SHELL=/bin/sh VERSION=9.1 PACKAGE_VERSION=9.1 LOCALE_FR=none
	export LOCALE_FR_UTF8=none CONFIG_HEADER=$scratch/tree/config.h CU_TEST_NAME=upstream
	built_programs=$(printf '%s ' "$scratch"/tree/src/* | sed "s|$scratch/tree/src/||g")
	export built_programs PATH=$scratch/tree/src:$PATH TMPDIR=$scratch LC_ALL=C
}

# The server and its tools, with the library if $1 says so: as scripts where the suite expects its own programs.
wrap_redis()
{
	local program real

	rm -rf "$scratch/dumps"
	mkdir -m 1777 "$scratch/dumps"
	for program in redis-server redis-cli redis-benchmark redis-check-aof redis-check-rdb; do
		real=$(command -v "$program")
		rm -f "src/$program"
		if [ -n "$1" ]; then
			cat >"src/$program" <<-END
				#!/bin/sh
				export LD_PRELOAD='$library' MEMPROF_OUT='$scratch/dumps/%e.%p.bin'
				export MEMPROF_QUIET=on MEMPROF_FOLLOW=fork
				exec '$real' "\$@"
			END
			chmod +x "src/$program"
		else
			ln -s "$real" "src/$program"
		fi
	done
}

# What a test's result is: exit status, and for suites that count, the numbers.
result_of()
{
	local log=$1 status=$2

	case $suite in
	jq) printf '%s %s' "$status" "$(grep -E '^[0-9]+ of [0-9]+ tests passed' "$log" | tail -n 1)" ;;
	redis)
		sed -i 's/\x1b\[[0-9;]*m//g' "$log" # colours
		printf '%s ok %s err %s' "$status" "$(grep -c '^\[ok\]' "$log")" \
			"$(grep -c '^\[err\]\|^\[exception\]' "$log")"
		;;
	sqlite)
		printf '%s %s' "$status" \
			"$(sed -n 's/^\([0-9]*\) errors out of \([0-9]*\) tests.*/ok \2 err \1/p' "$log" | tail -n 1)"
		;;
	*) printf '%s' "$status" ;;
	esac
}

declare -F "${suite}_tests" >/dev/null || { echo "run.sh: no suite $suite" >&2; exit 2; }
"${suite}_prepare"
mapfile -t tests < <("${suite}_tests")
[ ${#tests[@]} -gt 0 ] || { echo "run.sh: no tests of $suite in $source" >&2; exit 2; }
same=0 different=0 passed=0 recorded=0 unreadable=0 checks=''
for test in "${tests[@]}"; do
	run_test plain "$test" >"$scratch/plain.log" 2>&1 </dev/null
	want=$(result_of "$scratch/plain.log" $?)
	run_test with_memprof "$test" >"$scratch/memprof.log" 2>&1 </dev/null
	got=$(result_of "$scratch/memprof.log" $?)
	case $want in
	*ok*)
		read -r _ _ count _ <<<"$want"
		checks=$((checks + count))
		;;
	esac
	case $want in 0*) passed=$((passed + 1)) ;; esac
	# Every dump that was left must be readable.
	if compgen -G "$scratch/dumps/*" >/dev/null; then
		recorded=$((recorded + $(find "$scratch/dumps" -type f | wc -l)))
		"$build/memprof-analyze" --no-symbols --format folded "$scratch/dumps" >/dev/null \
			2>"$scratch/read.err" ||
			{ unreadable=$((unreadable + 1)); echo "$test: $(cat "$scratch/read.err")"; }
	fi
	if [ "$want" = "$got" ]; then
		same=$((same + 1))
	else
		different=$((different + 1))
		echo "different: $test: $want without memprof, $got with it"
		diff "$scratch/plain.log" "$scratch/memprof.log" | head -n "${DIFF_LINES:-10}" | sed 's/^/    /'
	fi
done
echo "$suite: ${#tests[@]} tests${checks:+ with $checks checks}, $same with the same result" \
	"($passed passed without memprof), $different different," \
	"$recorded dumps, tests with unreadable ones: $unreadable"
[ "$different" -eq 0 ] && [ "$unreadable" -eq 0 ]
