# SPDX-License-Identifier: MIT
# What the test cases are made of. Each case runs in a shell and an empty directory of its own.
# shellcheck shell=bash disable=SC2034

fail()
{
	printf '%s\n' "$*"
	exit 1
}

skip()
{
	printf '%s\n' "$*"
	exit 77
}

# need PROGRAM...: skips the case when one is not installed.
need()
{
	local program

	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# open_to_others: lets other users into the case's directory, for root to become one. In a name space there may be none.
open_to_others()
{
	need setpriv
	[ ! -e /proc/self/uid_map ] || awk '{ users += $3 } END { exit users < 65536 }' /proc/self/uid_map ||
		skip "there are no other users to become"
	chmod 755 . "$SCRATCH"
	setpriv --reuid 65533 --clear-groups test -x "$PWD" || skip "another user cannot get to $PWD"
}

# honours_setuid PROGRAM: a set-user-ID program is one here, and not on a file system or in a container without such.
honours_setuid()
{
	! setpriv --reuid 65533 --clear-groups env LD_SHOW_AUXV=1 "$1" 3>/dev/null | grep -q '^AT_SECURE: *0'
}

# run_into NAME COMMAND...: leaves NAME.out, NAME.err and NAME.status; facts of targets go to NAME.facts.
run_into()
{
	local name=$1
	shift
	# The outer redirection is for what the shell itself says about a signal.
	{ "$@" >"$name.out" 2>"$name.err" 3>"$name.facts" </dev/null; } 2>/dev/null
	echo $? >"$name.status"
}

plain()
{
	run_into plain "$@"
}

# preloaded COMMAND...: the same with memprof; the dumps go to the directory dumps.
preloaded()
{
	mkdir -p dumps
	run_into memprof env LD_PRELOAD="$LIBRARY" MEMPROF_OUT="$PWD/dumps/%e.%p.bin" "$@"
}

# same_in WHAT...: in these the two runs must not differ.
same_in()
{
	local what

	for what; do
		cmp -s "plain.$what" "memprof.$what" && continue
		printf 'different %s without (<) and with (>) memprof:\n' "$what"
		diff -a "plain.$what" "memprof.$what" | head -n 20
		exit 1
	done
}

same()
{
	same_in status out err
}

same_but_errors()
{
	same_in status out
}

# json DUMP: the report as DUMP.json; it must be complete and have the promised shape.
json()
{
	local status

	"$ANALYZE" --format json "$1" >"$1.json" 2>"$1.log"
	status=$?
	[ "$status" = 0 ] || fail "memprof-analyze of $1: status $status: $(cat "$1.log")"
	[ -s "$1.log" ] && fail "memprof-analyze of $1 says: $(cat "$1.log")"
	jq -e --argjson whole true -f "$HERE/schema.jq" "$1.json" >"$1.schema" ||
		fail "the JSON of $1 breaks the schema: $(cat "$1.schema")"
}

# all_json [AT-LEAST]: every dump is readable, and there are so many.
# shellcheck disable=SC2120 # called with arguments by the cases
all_json()
{
	local dump count=0

	for dump in dumps/*; do
		case $dump in *.json | *.log | *.schema | 'dumps/*') continue ;; esac
		json "$dump"
		count=$((count + 1))
	done
	[ "$count" -ge "${1:-1}" ] || fail "$count dumps, at least ${1:-1} expected"
}

# The same for many dumps, or such with so many stacks that JSON of all would be too large to look into. Reports without
# names and stacks go to short.jsonl, one per line; the largest dump has to be readable with names too.
all_json_in_short()
{
	local count

	"$ANALYZE" --format json --top 20 --no-symbols dumps/* >all.json 2>all.log
	is "status of memprof-analyze" $? 0
	is "standard error of memprof-analyze" "$(cat all.log)" ""
	jq -c '(.reports // [.])[]' all.json >short.jsonl || fail "no JSON"
	jq --argjson whole false -f "$HERE/schema.jq" short.jsonl >schema
	grep -qv '^true$' schema && fail "the JSON breaks the schema: $(grep -v '^true$' schema | head -n 5)"
	count=$(wc -l <short.jsonl)
	[ "$count" -ge "${1:-1}" ] || fail "$count dumps, at least ${1:-1} expected"

	"$ANALYZE" --format folded --metric count --no-symbols dumps/* >all.folded || fail "folded: status $?"
	is "sum of allocations" "$(awk '{ sum += $NF } END { printf "%d", sum }' all.folded)" \
		"$(jq -s 'map(.totals.alloc_count) | add' short.jsonl)"
	# shellcheck disable=SC2012 # names are ours
	"$ANALYZE" "dumps/$(ls -S dumps | head -n 1)" >largest.txt || fail "text: status $?"
}

# calls_in FUNCTION: allocations and stacks with FUNCTION.
calls_in()
{
	"$ANALYZE" --format folded --metric count dumps/* |
		awk -v name="$1" 'index($0, name) { sum += $NF; lines++ } END { printf "%d in %d", sum, lines }'
}

# facts_hold [REPORT...]
facts_hold()
{
	[ $# -gt 0 ] || set -- dumps/*.json
	jq -s -r --rawfile facts memprof.facts -f "$HERE/facts.jq" "$@" >missed || fail "jq failed"
	[ -s missed ] && fail "$(head -n 20 missed)"
	return 0
}

# A target program of tests/targets: like without memprof, and its facts hold.
target()
{
	[ -x "$TARGETS/$1" ] || skip "$1 could not be built: $(head -n 1 "$TARGETS/$1.log" 2>/dev/null)"
	plain "$TARGETS/$1" "${@:2}"
	preloaded "$TARGETS/$1" "${@:2}"
	same
	all_json 1
	facts_hold
}

# A program of the system: like without memprof, and $1 readable dumps at least.
program()
{
	local dumps=$1

	shift
	plain "$@"
	preloaded "$@"
	same
	all_json_in_short "$dumps"
}

# field DUMP FILTER: one value of the report of DUMP.
field()
{
	[ -e "$1.json" ] || json "$1"
	jq -r "$2" "$1.json"
}

# until_true COMMAND...: waits for it, however busy the machine is.
until_true()
{
	for _ in {1..1200}; do
		"$@" && return
		sleep 0.05
	done
	fail "never true: $*"
}

# listening PATH: does a server take connections on the socket PATH? It is there a moment before that.
listening()
{
	awk -v path="$1" '$4 == "00010000" && substr($0, length($0) - length(path)) == " " path { found = 1 }
		END { exit !found }' /proc/net/unix
}

# gone PID: it has ended, even if nobody has waited for it.
gone()
{
	[[ $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) =~ ^([ZX]|$) ]]
}

# is WHAT GOT WANT
is()
{
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

# matches WHAT TEXT REGEX
matches()
{
	printf '%s\n' "$2" | grep -Eq -- "$3" || fail "$1 does not match '$3': $2"
}

# status WANT COMMAND...: the exit status; output in out and err.
status()
{
	local want=$1 got

	shift
	"$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] || fail "status $got, not $want, of: $* $(head -c 500 err)"
}

# A dump of a small run, as dumps/leak.bin.
small_dump()
{
	mkdir -p dumps
	LD_PRELOAD=$LIBRARY MEMPROF_OUT=$PWD/dumps/leak.bin "$TARGETS/leak" >/dev/null 3>/dev/null || fail "leak failed"
	[ -s dumps/leak.bin ] || fail "no dump"
}

# exits_while_busy N: exit_while_busy ends N times, each time in time, with its status, and with the same verdict.
exits_while_busy()
{
	local i dump=$PWD/dumps/busy.bin status found

	mkdir -p dumps
	for ((i = 1; i <= $1; i++)); do
		rm -f "$dump"
		status=0
		timeout 120 env LD_PRELOAD="$LIBRARY" MEMPROF_OUT="$dump" \
			"$TARGETS/exit_while_busy" 3>/dev/null || status=$?
		is "status of run $i" "$status" 3
		found=$("$ANALYZE" --format json --no-symbols "$dump" | jq -rc '[.leak_scan.ran,
			([.leaks[] | select(.class == "definite" or .class == "indirect")] |
				(map(.count) | add), (map(.bytes) | add), (map(.class) | unique | join(" ")))] |
			map(tostring) | join(" ")')
		is "verdict of run $i" "$found" "true 3 3003 definite"
	done
}

# lock_rows KIND: the rows of that kind in the only dump, one a line.
lock_rows()
{
	"$ANALYZE" show --rows "$1" dumps/*.bin | grep -E '^ *[0-9]+: '
}

# lock_sum KIND FIELD [PATTERN]: FIELD added up over the rows that match.
lock_sum()
{
	lock_rows "$1" | grep -E -- "${3:-.}" | tr ' ' '\n' | awk -F= -v name="$2" '$1 == name { sum += $2 }
		END { printf "%.0f\n", sum }'
}

# After the target mutex_churn: both classes have the number of mutexes that it printed, and few rows stand for them.
classes_add_up()
{
	lock_rows LOCK | grep " kind=1 " | sed 's/.*alloc_stack=\([0-9]*\) .* instances=\([0-9]*\) .*/\1 \2/' >classes
	is "instances" "$(awk '{ sum[$1] += $2 ? $2 : 1 } END { for (s in sum) print sum[s] }' classes | sort -u)" \
		"$(cat memprof.out)"
	is "classes" "$(cut -d ' ' -f 1 classes | sort -u | wc -l)" 2
	is "rows" "$(wc -l <classes | awk '{ print ($1 < 1200) }')" 1
	is "lost" "$(field dumps/*.bin '.losses.locks_full // 0')" 0
}

# Dumps of several kinds in the directory dumps.
export_dumps()
{
	local name

	for name in leak mutex_handoff churn; do
		preloaded "$TARGETS/$name"
	done
	preloaded MEMPROF_SAMPLE=4K MEMPROF_SEED=7 "$TARGETS/sampled"
	preloaded /bin/true # allocates nothing
	odd_names
}

# A program with names that are no fit for anything: quotes, separators, bytes that are no UTF-8; and stripped.
odd_names()
{
	local from=odd_name_to_be_replaced_by_the_test

	LC_ALL=C sed "s/$from/o\"d'd\\\\\\\\ #;:=() <\&>\xff\xc3\x28\x01\x09|{}%s%n\$(x)\`/g" \
		"$TARGETS/odd_names" >odd_names
	is "length of the odd name" "$(stat -c %s odd_names)" "$(stat -c %s "$TARGETS/odd_names")"
	cp odd_names no_names
	strip no_names
	chmod +x odd_names no_names
	preloaded ./odd_names
	preloaded ./no_names
}

# page FILE [OPTION...] DUMP...
page()
{
	status 0 "$ANALYZE" html -o "$1" "${@:2}"
	[ -s "$1" ] || fail "no page of ${*:2}"
	[ -s out ] && fail "something on standard output: $(head -c 200 out)"
	return 0
}

# browse TEST FILE...
browse()
{
	need node npm
	HOME=$PWD node "$HERE/html_page.js" "$@" >browser.log 2>&1
	case $? in
	0) ;;
	77) skip "$(tail -n 1 browser.log)" ;;
	*) fail "$(head -n 60 browser.log)" ;;
	esac
}
