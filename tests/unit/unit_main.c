/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests. Check's variables work: CK_RUN_SUITE and CK_RUN_CASE select, CK_FORK=no runs all tests in one
 * process (for debuggers and leak checkers), CK_VERBOSITY=verbose lists every test.
 */
#include <check.h>
#include <stdlib.h>

/*
 * A process for each test keeps what one leaves behind from the others, and lets it crash alone; but under the
 * sanitizers, which look for leaks at the end of each, it costs a tenth of a second. Suites of plain functions, many
 * of them rows of a table, run in one process.
 */
enum isolation { ALONE, TOGETHER };

/* One row per suite, in the order of running: what others build upon first. */
#define SUITES(X)                      \
	X(os, ALONE)                   \
	X(fmt, TOGETHER)               \
	X(elf_defined, TOGETHER)       \
	X(boot, ALONE)                 \
	X(options, ALONE)              \
	X(dump_map, ALONE)             \
	X(shard, ALONE)                \
	X(free_pair, ALONE)            \
	X(live_table, ALONE)           \
	X(leak_graph, ALONE)           \
	X(cfi_compile, TOGETHER)       \
	X(frame_walk, ALONE)           \
	X(capture, ALONE)              \
	X(poisson, ALONE)              \
	X(lock_ring, TOGETHER)         \
	X(arrivals, TOGETHER)          \
	X(lock_name, ALONE)            \
	X(mark, ALONE)                 \
	X(control, ALONE)              \
	X(arena, ALONE)                \
	X(hash, TOGETHER)              \
	X(err, TOGETHER)               \
	X(cursor, TOGETHER)            \
	X(spans, TOGETHER)             \
	X(demangle, TOGETHER)          \
	X(dump_read, TOGETHER)         \
	X(dump_file, ALONE)            \
	X(aggregate, TOGETHER)         \
	X(free_pairs, TOGETHER)        \
	X(locks, ALONE)                \
	X(units, TOGETHER)             \
	X(table, TOGETHER)             \
	X(name_key, TOGETHER)          \
	X(suppress, TOGETHER)          \
	X(policy, TOGETHER)            \
	X(gate, TOGETHER)              \
	X(diff, TOGETHER)              \
	X(symbolize, ALONE)            \
	X(out, TOGETHER)

#define X(name, isolation) Suite *suite_##name(void);
SUITES(X)
#undef X

static const struct {
	Suite *(*make)(void);
	enum isolation isolation;
} suites[] = {
#define X(name, isolation) { suite_##name, isolation },
	SUITES(X)
#undef X
};

/* Returns the number of failed tests. */
static int run(enum isolation isolation)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].isolation == isolation)
			srunner_add_suite(runner, suites[i].make());
	}
	if (isolation == TOGETHER && !getenv("CK_FORK"))
		srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

/* Seconds for each test. Few take one on an idle machine; the four that Check gives are too few for a busy one. */
#define LIMIT "600"

int main(void)
{
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", LIMIT, /*overwrite=*/0);
	failed = run(ALONE);

	failed += run(TOGETHER);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
