#!/bin/sh
# SPDX-License-Identifier: MIT
# The symbols that libmemprof.so exports are those of preload/libmemprof.map: check-exports.sh [BUILD]
set -eu

library=${1:-build}/libmemprof.so
map=$(dirname "$0")/../preload/libmemprof.map
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | LC_ALL=C sort -u >"$scratch/exported"
# Names between "global:" and "local:", without comments; one may be a pattern.
awk '{ gsub(/\/\*([^*]|\*[^\/])*\*\//, " "); print }' "$map" | tr '\n' ' ' |
	sed 's/.*global://; s/local:.*//; s/extern "C"[^{]*{//g' | tr -s ' \t;{}"' '\n' | grep -v '^$' |
	LC_ALL=C sort -u >"$scratch/named"

status=0
while read -r name; do
	found=no
	while read -r pattern; do
		# shellcheck disable=SC2254 # a pattern
		case $name in $pattern) found=yes && break ;; esac
	done <"$scratch/named"
	[ "$found" = yes ] || { echo "$library exports $name, which $map does not name"; status=1; }
done <"$scratch/exported"
while read -r pattern; do
	found=no
	while read -r name; do
		# shellcheck disable=SC2254
		case $name in $pattern) found=yes && break ;; esac
	done <"$scratch/exported"
	[ "$found" = yes ] || { echo "$map names $pattern, which $library does not export"; status=1; }
done <"$scratch/named"
[ -s "$scratch/named" ] || { echo "no names found in $map"; status=1; }
exit "$status"
