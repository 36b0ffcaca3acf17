#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, and twice: check-headers.sh, with CC and WARNINGS from the environment.
set -eu

cd "$(dirname "$0")/.."
status=0
for header in $(git ls-files -co --exclude-standard -- '*.h' 2>/dev/null || find . -name '*.h' | sed 's|^\./||'); do
	[ -f "$header" ] || continue
	case $header in
	preload/*) flags='-Ipreload' ;;
	analyzer/* | tests/fuzz/*) flags="-Ianalyzer $(pkg-config --cflags libdw jansson zlib)" ;;
	tests/unit/*) flags="-Ipreload -Ianalyzer -Itests/unit $(pkg-config --cflags libdw jansson zlib check)" ;;
	tests/targets/*) flags='-D_GNU_SOURCE' ;;
	*) flags= ;;
	esac
	# shellcheck disable=SC2086 # lists
	printf '#include "%s"\n#include "%s"\nextern int not_empty;\n' "$header" "$header" |
		${CC:-cc} -std=gnu11 -fsyntax-only -Iinclude $flags -Wall -Wextra -Wundef -Wno-unused-function -Werror \
			${WARNINGS:-} -I. -x c - || { echo "$header does not compile alone"; status=1; }
	head -n 20 "$header" | grep -qE '^#ifndef (MP_[A-Z0-9_]*|MEMPROF)_H$' ||
		{ echo "$header has no guard MP_..._H"; status=1; }
done
exit "$status"
