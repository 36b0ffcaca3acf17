#!/bin/bash
# SPDX-License-Identifier: MIT
# The tests of counts, locks and ends with another glibc: library, analyzer and targets as they were built here, in
# the root directory of another release (debootstrap makes one).
#
#   run.sh ROOT [BUILD [CASE...]]
#
# BUILD holds library and targets; for a glibc older than here they have to be built there. The analyzer is that
# of build, and comes with its own libraries. ROOT needs bash, jq, procps, gawk and perl. Needs root, for chroot.
# ROOT/memprof-tests is replaced.
set -eu

[ $# -ge 1 ] || { sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 2; }
root=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${2:-$top/build}" && pwd)
shift $(($# > 2 ? 2 : $#))
cases=("$@")
# Memory by every function, through fork and threads, then locks and waits of every kind.
[ ${#cases[@]} -gt 0 ] || cases=(aligned alloc_threads altstack calloc_overflow churn coroutine cross_thread_free
	exceptions exec_chain fork_child free_in_tls_dtor longjmp_far malloc_in_ctor malloc_knobs new_delete
	odd_requests raw_fork realloc_chain reallocarray segv_handled sized_free static_init thread_cancel
	thread_foreign usable_size program_ls program_perl program_sh
	barrier c11_locks cancel_waits 'cond_*' condvar cxx20_waits cxx_waits futexes idle_pool joins lock_blame
	lock_names 'mutex_*' named_locks once rwlock semaphore spinlock)

there=$root/memprof-tests
mounted=
finish()
{
	# shellcheck disable=SC2086 # a list
	[ -z "$mounted" ] || umount $mounted
	rm -rf "$there"
}
trap finish EXIT
for directory in proc dev; do
	mountpoint -q "$root/$directory" && continue
	mount --bind "/$directory" "$root/$directory"
	mounted="$mounted $root/$directory"
done
rm -rf "$there"
mkdir -p "$there/build/tests" "$there/tests"
cp -r "$top/include" "$top/preload" "$top/scripts" "$there"
cp -r "$top/tests/e2e" "$top/tests/targets" "$there/tests/"
cp "$build/libmemprof.so" "$top/scripts/memprof" "$there/build/"
# The analyzer, started by the dynamic linker that it was linked for.
mkdir "$there/analyzer"
cp "$top/build/memprof-analyze" "$there/analyzer/"
ldd "$top/build/memprof-analyze" | grep -o '/[^ ]*' | xargs -I '{}' cp -L '{}' "$there/analyzer/"
printf '#!/bin/sh\nexec %s --library-path %s %s/memprof-analyze "$@"\n' /memprof-tests/analyzer/ld-linux-* \
	/memprof-tests/analyzer /memprof-tests/analyzer >"$there/build/memprof-analyze"
chmod +x "$there/build/memprof-analyze"
cp -r "$build/tests/targets" "$there/build/tests/"
chroot "$root" ldd --version | head -n 1
chroot "$root" env LC_ALL=C.UTF-8 JOBS="${JOBS:-2}" bash /memprof-tests/tests/e2e/run_e2e.sh /memprof-tests/build \
	"${cases[@]}"
