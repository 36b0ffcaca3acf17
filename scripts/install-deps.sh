#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that memprof is built with; with --tests also those that its tests run. Asks nothing, and
# does nothing when all are there.
set -eu

build='gcc make pkg-config libc6-dev libunwind-dev libjansson-dev libdw-dev libelf-dev libiberty-dev zlib1g-dev sqlite3'
tests='bash binutils check clang clang-format dash g++ git jq libc6-dbg libjemalloc2 mandoc perl python3 shellcheck'
tests="$tests valgrind"

case ${1:-} in
'') wanted=$build ;;
--tests) wanted="$build $tests" ;;
*)
	echo "usage: install-deps.sh [--tests]" >&2
	exit 2
	;;
esac

if ! command -v apt-get >/dev/null; then
	echo "install-deps.sh: no apt-get here. Install what corresponds to: $wanted" >&2
	exit 1
fi

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The sanitizers of clang are a package of their own since Debian 12, and a part of libclang-common before.
if [ "${1:-}" = --tests ] && ! ls /usr/lib/llvm-*/lib/clang/*/lib/linux/*fuzzer* >/dev/null 2>&1; then
	wanted="$wanted libclang-rt-dev"
fi

missing=
for package in $wanted; do
	installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo "install-deps.sh: everything is installed"
	exit 0
fi
echo "install-deps.sh: installing$missing"

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: needs root. Run: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
$as_root apt-get -q update </dev/null
case $missing in
*' libclang-rt-dev'*)
	# Older distributions do not have it.
	apt-cache show libclang-rt-dev >/dev/null 2>&1 || missing="${missing% libclang-rt-dev}"
	;;
esac
# shellcheck disable=SC2086 # a list
exec $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing </dev/null
