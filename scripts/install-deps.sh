#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that memprof is built with; with --tests also those that its tests run. Asks nothing, and
# does nothing when all are there.
set -eu

build='gcc make pkg-config libc6-dev libunwind-dev libjansson-dev libdw-dev libelf-dev libiberty-dev zlib1g-dev'
build="$build libncurses-dev libsqlite3-dev sqlite3"
tests='bash binutils check clang clang-format dash g++ git jq libc6-dbg libjemalloc2 mandoc perl python3 shellcheck'
tests="$tests gawk locales libcap2-bin libxml2-utils python3-jsonschema valgrind"
tests="$tests libboost-context-dev libmimalloc2.0 libtbbmalloc2 libtcmalloc-minimal4 luajit strace libomp-dev"
tests="$tests php-cli php-fpm ruby curl nginx"
# Programs and libraries whose locks are looked at.
tests="$tests libabsl-dev librust-jemalloc-sys-dev librust-parking-lot-dev memcached redis-server"
# Of the programs of tests/e2e/slow/others.test the light ones; the tests of what is not installed are skipped.
tests="$tests lua5.4 rsync xz-utils zsh"
# Programs that open exported files; golang-go is the largest, and has pprof.
tests="$tests debuginfod golang-go heaptrack python3-prometheus-client"
# What shows pages.
tests="$tests chromium tmux"
# The same, as packages of npm for Node.js.
modules='pprof-format@2.3.2 speedscope@1.25.0 playwright-core@1.65.1'

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
# Tests skip what needs these modules where npm is missing, or has none to give.
missing_modules=
if [ "${1:-}" = --tests ] && command -v npm >/dev/null; then
	for module in $modules; do
		[ -d "$(npm root -g)/${module%@*}" ] || missing_modules="$missing_modules $module"
	done
fi
if [ -z "$missing$missing_modules" ]; then
	echo "install-deps.sh: everything is installed"
	exit 0
fi
echo "install-deps.sh: installing$missing$missing_modules"

as_root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: needs root. Run: apt-get install$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
if [ -n "$missing_modules" ]; then
	# shellcheck disable=SC2086 # a list
	$as_root npm install --global --no-audit --no-fund $missing_modules </dev/null ||
		echo "install-deps.sh: tests that need$missing_modules will be skipped" >&2
fi
[ -n "$missing" ] || exit 0
$as_root apt-get -q update </dev/null
case $missing in
*' libclang-rt-dev'*)
	# Older distributions do not have it.
	apt-cache show libclang-rt-dev >/dev/null 2>&1 || missing="${missing% libclang-rt-dev}"
	;;
esac
# shellcheck disable=SC2086 # a list
exec $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing </dev/null
