/* SPDX-License-Identifier: MIT */
/*
 * Every run-time option of the preload: parser, --help of the launcher, the options in the dump and the docs check
 * read it.
 */
#ifndef MP_OPTIONS_H
#define MP_OPTIONS_H

/*
 * STR(field, variable, default, help)
 * NUM(field, variable, default, min, max, help)	decimal, with an optional K, M, G or T (powers of 1024)
 * SEL(field, variable, default, choices, help)		one of the words in choices, "a|b|c"; the field is its index
 */
#define MP_DUMP_NAME "memprof.%e.%p.bin"
#define MP_OPTIONS(STR, NUM, SEL) \
	STR(out, "MEMPROF_OUT", MP_DUMP_NAME, "dump file, or its directory; %e program, %p process id, %t start time") \
	SEL(mode, "MEMPROF_MODE", 0, "full|off|dormant", \
	    "full: record everything; off: nothing; dormant: nothing before a command to do so") \
	NUM(sample, "MEMPROF_SAMPLE", 0, 0, 1099511627776, "record one in so many bytes, on average; 0: everything") \
	NUM(seed, "MEMPROF_SEED", 0, 0, 4294967295, "start of the random numbers of sampling; 0: another in each run") \
	SEL(locks, "MEMPROF_LOCKS", 1, "off|on", "record locks") \
	SEL(lock_order, "MEMPROF_LOCK_ORDER", 0, "off|on", "record in which order mutexes are taken") \
	NUM(depth, "MEMPROF_DEPTH", 512, 1, 512, "frames kept per stack; deeper stacks are cut at the outer end") \
	NUM(timeline_ms, "MEMPROF_TIMELINE_MS", 10, 0, 3600000, "first distance of timeline points; 0: no timeline") \
	NUM(max_dump, "MEMPROF_MAX_DUMP", 268435456, 1048576, 68719476736, "largest size of the dump file, bytes") \
	SEL(follow, "MEMPROF_FOLLOW", 3, "none|fork|exec|all", "what else to record of what the first process starts") \
	STR(only, "MEMPROF_ONLY", "", "record these programs alone: names with commas between them, * for any text") \
	SEL(leaks, "MEMPROF_LEAKS", 0, "exit|off", "look for lost blocks at exit") \
	STR(leak_heuristics, "MEMPROF_LEAK_HEURISTICS", "all", "interior pointers that count: all, none, or names") \
	NUM(leak_timeout_ms, "MEMPROF_LEAK_TIMEOUT_MS", 5000, 1, 3600000, "a search for leaks may take so long") \
	SEL(control, "MEMPROF_CONTROL", 1, "off|on", "take commands from memprof-analyze control") \
	NUM(control_signal, "MEMPROF_CONTROL_SIGNAL", 0, 0, 64, \
	    "number of a signal that makes an idle process look for commands; 0: none") \
	SEL(verify, "MEMPROF_VERIFY", 0, "off|on", "compare every stack with libunwind's own walk (slow; for tests)") \
	SEL(quiet, "MEMPROF_QUIET", 0, "off|on", "no warnings on standard error")

#endif
