#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches what is vendored below analyzer/html/vendor from npm, in the version given: refresh-vendor.sh [VERSION], and
# writes down what came. Without VERSION the one that is there is fetched again. --check compares the files with what
# was written down; it needs no network.
set -eu

cd "$(dirname "$0")/../analyzer/html/vendor"
list=VENDORED
files='uplot/LICENSE uplot/uPlot.iife.min.js uplot/uPlot.min.css'

sums()
{
	# shellcheck disable=SC2086 # a list
	sha256sum $files | sed 's/^/  /'
}

if [ "${1:-}" = --check ]; then
	[ "$(sums)" = "$(grep '^  ' "$list")" ] && exit 0
	echo "refresh-vendor.sh: vendored files are not those of analyzer/html/vendor/$list"
	exit 1
fi

version=${1:-$(sed -n 's/^uPlot \([0-9.]*\),.*/\1/p' "$list")}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && npm pack --silent "uplot@$version" >/dev/null && tar -xzf uplot-*.tgz)
mkdir -p uplot
cp "$scratch/package/LICENSE" "$scratch/package/dist/uPlot.iife.min.js" "$scratch/package/dist/uPlot.min.css" uplot/
cat >"$list" <<END
uPlot $version, licence MIT (uplot/LICENSE), from the npm package uplot: dist/uPlot.iife.min.js and dist/uPlot.min.css,
unmodified. Refreshed by scripts/refresh-vendor.sh, which checks these:
$(sums)
END
git diff --stat -- . 2>/dev/null || true
