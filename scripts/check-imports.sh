#!/bin/sh
# SPDX-License-Identifier: MIT
# libmemprof.so calls only what scripts/allowed-imports.txt lists, so that nothing that allocates, buffers output or
# takes the loader's lock creeps into the hooks: check-imports.sh [BUILD]
set -eu

library=${1:-build}/libmemprof.so
allowed=$(dirname "$0")/allowed-imports.txt
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | LC_ALL=C sort -u >"$scratch/imported"
sed 's/#.*//; s/[[:space:]]*$//; s/^? //; /^$/d' "$allowed" | LC_ALL=C sort -u >"$scratch/allowed"
sed 's/#.*//; s/[[:space:]]*$//; /^?/d; /^$/d' "$allowed" | LC_ALL=C sort -u >"$scratch/called"
LC_ALL=C comm -13 "$scratch/imported" "$scratch/called" >"$scratch/stale"
LC_ALL=C comm -23 "$scratch/imported" "$scratch/allowed" >"$scratch/new"
status=0
if [ -s "$scratch/new" ]; then
	echo "$library imports what $allowed does not list:"
	sed 's/^/  /' "$scratch/new"
	status=1
fi
if [ -s "$scratch/stale" ]; then
	echo "$allowed lists what $library does not import any more:"
	sed 's/^/  /' "$scratch/stale"
	status=1
fi
# Thread-local data must be little and in the static part: all else calls __tls_get_addr, which allocates.
tls=$(($(readelf -lW "$library" | awk '$1 == "TLS" { print $6 }')))
[ "$tls" -le 64 ] || { echo "$library has $tls bytes of thread-local data, more than 64"; status=1; }
if readelf -rW "$library" | grep -q 'DTPMOD\|TLSDESC\|TLS_DTPREL'; then
	echo "$library has thread-local data that needs __tls_get_addr"
	status=1
fi
for name in $(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
	case $name in
	libc.so.* | ld-linux*.so.* | libgcc_s.so.*) ;;
	*) echo "$library needs $name"; status=1 ;;
	esac
done
exit "$status"
