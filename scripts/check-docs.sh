#!/bin/sh
# SPDX-License-Identifier: MIT
# Manual pages and programs tell the same: check-docs.sh [BUILD]. Needs mandoc and a C compiler.
set -eu

cd "$(dirname "$0")/.."
build=${1:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

complain()
{
	echo "$*"
	status=1
}

# plain PAGE: its text with single blanks, on one line.
plain()
{
	mandoc -T ascii -O width=1000 "$1" | col -b | tr -s ' \n\t' '   '
}

for page in preload/libmemprof.7 analyzer/memprof-analyze.1 scripts/memprof.1; do
	[ -f "$page" ] || { complain "$page is missing"; exit 1; }
	mandoc -T lint -W warning "$page" || complain "$page: see above"
	plain "$page" >"$scratch/$(basename "$page")"
done

# The lists, through the compiler: strings in them are pasted together.
cat >"$scratch/lists.c" <<-'END'
	#include <stdio.h>
	#include "mp_metrics.h"
	#include "mp_options.h"
	#define STR(field, variable, def, help) printf("option\t%s\t%s\n", variable, def);
	#define NUM(field, variable, def, min, max, help) printf("option\t%s\t%s\n", variable, #def);
	#define SEL(field, variable, def, choices, help) printf("option\t%s\t\n", variable);
	#define X(name, number, json, text) printf("loss\t%s\t%s\n", json, text);
	int main(void)
	{
		MP_OPTIONS(STR, NUM, SEL)
		MP_LOSSES(X)
		return 0;
	}
END
${CC:-cc} -std=gnu11 -Iinclude -o "$scratch/lists" "$scratch/lists.c"
"$scratch/lists" >"$scratch/list"

while IFS="$(printf '\t')" read -r kind name text; do
	grep -qF -- "$name" "$scratch/libmemprof.7" || complain "libmemprof.7 does not tell of $kind $name"
	if [ "$kind" = loss ]; then
		grep -qF -- "$text" "$scratch/libmemprof.7" || complain "libmemprof.7 does not say of $name: $text"
	elif [ -n "$text" ]; then
		grep -qF -- "$text" "$scratch/libmemprof.7" ||
			complain "libmemprof.7 does not tell the default of $name, $text"
	fi
done <"$scratch/list"
grep -o 'MEMPROF_[A-Z_]*' "$scratch/libmemprof.7" | sort -u | while read -r name; do
	grep -q "^option	$name	" "$scratch/list" || echo "libmemprof.7 tells of $name, which is no option"
done >"$scratch/unknown"
[ ! -s "$scratch/unknown" ] || complain "$(cat "$scratch/unknown")"

# both_ways PROGRAM PAGE: the long options of the manual page are those of --help and of the help on each command.
both_ways()
{
	{
		"$1" --help
		"$1" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | while read -r command; do
			"$1" help "$command"
		done
	} | grep -o -- '--[a-z][a-z-]*' | sort -u >"$scratch/help"
	grep -o -- '--[a-z][a-z-]*' "$scratch/$2" | sort -u >"$scratch/page"
	comm -23 "$scratch/help" "$scratch/page" | sed "s/^/$2 does not tell of /" >"$scratch/differences"
	comm -13 "$scratch/help" "$scratch/page" |
		sed "s/^/$(basename "$1") --help does not tell of /" >>"$scratch/differences"
	[ ! -s "$scratch/differences" ] || complain "$(cat "$scratch/differences")"
}

# The tests that stand in the tables of what is known to work are there, and each row has one.
sed -n '/^\.Sh COMPATIBILITY/,/^\.Sh SEE/s/^\.It \(.* Ta\)/\1/p' preload/libmemprof.7 |
	grep -v '^Em case' >"$scratch/rows"
sed -n 's/^.* Ta .* Ta Cm //p' "$scratch/rows" | tr -d ' ' | tr ',' '\n' | sort >"$scratch/claimed"
{
	tests/e2e/run_e2e.sh -l
	tests/e2e/run_e2e.sh -s -l
} | sort -u >"$scratch/tests"
[ -s "$scratch/claimed" ] || complain "libmemprof.7 names no tests"
comm -23 "$scratch/claimed" "$scratch/tests" >"$scratch/untrue"
[ ! -s "$scratch/untrue" ] || complain "libmemprof.7 names tests that are not there: $(cat "$scratch/untrue")"
grep -v ' Ta .* Ta \(Cm [a-z]\|Ql make check-soak$\|Ql others_\*\)' "$scratch/rows" >"$scratch/unproved" || true
[ ! -s "$scratch/unproved" ] || complain "libmemprof.7 names no test for: $(cat "$scratch/unproved")"
others=$(grep -c '^others_' "$scratch/tests")
grep -q "^$others others Ta .* Ta Ql others_\*" "$scratch/rows" ||
	complain "libmemprof.7 gives another number of other programs than $others"

both_ways "$build/memprof-analyze" memprof-analyze.1
exit "$status"
