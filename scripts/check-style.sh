#!/bin/bash
# SPDX-License-Identifier: MIT
# What no compiler checks: licence lines, blanks, tabs, line lengths, words that do not belong into the source.
set -eu

cd "$(dirname "$0")/.."
status=0

complain()
{
	printf '%s\n' "$*"
	status=1
}

# forbidden PATTERN WHY: no line of $file may match.
forbidden()
{
	local found

	if found=$(grep -nE -- "$1" "$file"); then
		complain "$(printf '%s\n' "$found" | sed "s|^|$file:|; s|\$|: $2|")"
	fi
}

mapfile -t files < <(git ls-files -co --exclude-standard 2>/dev/null ||
	find . -type f -not -path './build/*' | sed 's|^\./||')
for file in "${files[@]}"; do
	[ -f "$file" ] || continue
	case $file in
	tests/fuzz/corpus/* | tests/data/* | LICENSE | *.dump | *.bin | *.expected) continue ;;
	esac

	case $file in
	*.md | .clang-* | .editorconfig | .gitignore | *.yml) ;;
	*) head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line on top" ;;
	esac
	case $file in
	*.[ch] | *.cc | *.S)
		[ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: MIT */' ] ||
			complain "$file: the first line is not the SPDX line"
		sed -n 2p "$file" | grep -q '^/\*' ||
			complain "$file: the second line does not say what the file is for"
		forbidden '^ {8,}[^ \\]' 'indented with blanks'
		forbidden '^#[[:space:]]*if 0' 'dead code'
		;;
	esac
	case $file in
	*.[ch]) forbidden '(^|[^:"])//' 'comments are /* */' ;;
	esac
	case $file in
	*.md) ;;
	*)
		forbidden '[[:blank:]]$' 'blank at the end'
		expand "$file" | LC_ALL=C.UTF-8 awk -v file="$file" \
			'length > 120 { print file ":" NR ": " length " columns"; bad = 1 }
				END { exit bad }' || status=1
		;;
	esac
	[ -z "$(tail -c 1 "$file")" ] || complain "$file: no newline at the end"
	# Written so that this file does not find itself.
	forbidden '(^|[^[:alnum:]])(TO[D]O|FIX[M]E|XX[X]|HA[C]K)([^[:alnum:]]|$)' 'unfinished'
	forbidden '/wor[k]/|shared/desig[n]|hardened_mallo[c]' 'not a thing of this project'
	forbidden '(^|[^&[:alnum:]])[iI]ssue[ ]#?[0-9]' 'say the reason, not a number'
	forbidden 'kept? in syn[c]' 'write a list or an assertion'
done
exit "$status"
