/* SPDX-License-Identifier: MIT */
/* Which processes and programs are recorded: MEMPROF_FOLLOW and MEMPROF_ONLY. */
#ifndef MP_FOLLOW_H
#define MP_FOLLOW_H

#include <stdbool.h>

/* The choices of MEMPROF_FOLLOW in mp_options.h, by index. */
enum follow {
	FOLLOW_NONE, /* the first process only */
	FOLLOW_FORK, /* and its children by fork, not what they start */
	FOLLOW_EXEC, /* and programs that are started, not children that start none */
	FOLLOW_ALL,
};

/*
 * Was this program started by one that is recorded and does not want it followed? Its environment says so, see
 * follow_mark(). Context: setup.
 */
bool follow_ends_here(char **envp);

/* Does MEMPROF_ONLY name PROGRAM, or nothing? Context: setup. */
bool follow_wants(const char *program);

/*
 * Marks the variable MEMPROF_FOLLOW, in place, for the programs that this one will start. Nothing else of the
 * environment is touched, and that only where the option asks for it. Context: setup.
 */
void follow_mark(char **envp);

/* Are children by fork recorded? Context: setup. */
bool follow_forks(void);

#endif
