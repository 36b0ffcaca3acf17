/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests. Check's variables work: CK_RUN_SUITE and CK_RUN_CASE select, CK_FORK=no runs all tests in one
 * process (for debuggers and leak checkers), CK_VERBOSITY=verbose lists every test.
 */
#include <check.h>
#include <stdlib.h>

/* One row per suite, in the order of running: what others build upon first. */
#define SUITES(X)      \
	X(os)          \
	X(fmt)         \
	X(boot)        \
	X(options)     \
	X(dump_map)    \
	X(shard)       \
	X(live_table)  \
	X(cfi_compile) \
	X(frame_walk)  \
	X(capture)     \
	X(poisson)     \
	X(lock_ring)   \
	X(arena)       \
	X(hash)        \
	X(err)         \
	X(cursor)      \
	X(spans)       \
	X(demangle)    \
	X(dump_read)   \
	X(dump_file)   \
	X(aggregate)   \
	X(locks)       \
	X(units)       \
	X(table)       \
	X(name_key)    \
	X(suppress)    \
	X(policy)      \
	X(gate)        \
	X(diff)        \
	X(symbolize)   \
	X(out)

#define X(name) Suite *suite_##name(void);
SUITES(X)
#undef X

int main(void)
{
#define X(name) suite_##name,
	static Suite *(*const suites[])(void) = { SUITES(X) };
#undef X
	SRunner *runner = srunner_create(suites[0]());
	int failed;

	for (size_t i = 1; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
