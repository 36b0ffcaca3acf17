#!/bin/bash
# SPDX-License-Identifier: MIT
# What no compiler checks: licence lines, blanks, tabs, line lengths, words that do not belong into the source.
set -eu

cd "$(dirname "$0")/.."

# One process for all files: one for each pattern and file would take minutes on a busy machine.
style=$(cat <<'AWK'
function complain(what) { print FILENAME ":" FNR ": " what; bad = 1 }
function forbidden(pattern, why) { if ($0 ~ pattern) complain(why ": " $0) }

# Columns, with tabs to the next multiple of 8.
function width(line, columns, parts, n, i)
{
	n = split(line, parts, "\t")
	for (i = 1; i < n; i++)
		columns += length(parts[i]) + 8 - (columns + length(parts[i])) % 8
	return columns + length(parts[n])
}

BEGINFILE {
	text = FILENAME ~ /\.md$/
	header = FILENAME ~ /\.(c|h|cc|S)$/
	plain_c = FILENAME ~ /\.[ch]$/
	licensed = text || FILENAME ~ /(^|\/)(\.clang-[a-z]*|\.editorconfig|\.gitignore)$|\.yml$/
}
FNR <= 2 && /SPDX-License-Identifier: MIT/ { licensed = 1 }
header && FNR == 1 && $0 != "/* SPDX-License-Identifier: MIT */" { complain("the first line is not the SPDX line") }
header && FNR == 2 && !/^\/\*/ { complain("the second line does not say what the file is for") }
header { forbidden("^ {8,}[^ \\\\]", "indented with blanks"); forbidden("^#[[:space:]]*if 0", "dead code") }
plain_c { forbidden("(^|[^:\"])//", "comments are /* */") }
!text {
	forbidden("[[:blank:]]$", "blank at the end")
	if (width($0) > 120)
		complain(width($0) " columns")
}
# Written so that this file does not find itself.
{
	forbidden("(^|[^[:alnum:]])(TO[D]O|FIX[M]E|XX[X]|HA[C]K)([^[:alnum:]]|$)", "unfinished")
	forbidden("/wor[k]/|shared/desig[n]|hardened_mallo[c]", "not a thing of this project")
	forbidden("(^|[^&[:alnum:]])[iI]ssue[ ]#?[0-9]", "say the reason, not a number")
	forbidden("kept? in syn[c]", "write a list or an assertion")
}
ENDFILE {
	if (!licensed)
		print FILENAME ": no SPDX line on top"
	if (RT == "" && FNR)
		print FILENAME ": no newline at the end"
	bad = bad || !licensed || (RT == "" && FNR)
}
END { exit bad }
AWK
)

mapfile -t files < <(git ls-files -co --exclude-standard 2>/dev/null ||
	find . -type f -not -path './build/*' | sed 's|^\./||')
checked=()
for file in "${files[@]}"; do
	case $file in
	tests/fuzz/corpus/* | tests/data/* | analyzer/html/vendor/* | LICENSE | *.png | *.dump | *.bin | *.expected) ;;
	*) [ ! -f "$file" ] || checked+=("$file") ;;
	esac
done
LC_ALL=C.UTF-8 gawk "$style" "${checked[@]}"
