/* SPDX-License-Identifier: MIT */
/*
 * A new program knows nothing of the one before it but the environment. So that one leaves word there, in our own
 * variable: the first letter of its value becomes MARK. This needs no memory, changes no length, and reaches every
 * way of starting a program that passes the environment on, also those inside libc that cannot be interposed.
 */
#include "follow.h"

#include "fmt.h"
#include "options.h"

#define VARIABLE "MEMPROF_FOLLOW"
#define MARK     '!' /* no choice begins with it */

/* The value of the variable within the environment, NULL = not set. */
static char *value_in(char **envp)
{
	static const char name[] = VARIABLE "=";

	for (; envp && *envp; envp++) {
		unsigned i = 0;

		while (name[i] && (*envp)[i] == name[i])
			i++;
		if (!name[i])
			return *envp + i;
	}
	return NULL;
}

bool follow_ends_here(char **envp)
{
	const char *value = value_in(envp);

	return value && *value == MARK;
}

void follow_mark(char **envp)
{
	char *value = value_in(envp);

	if (value && *value && (opt.follow == FOLLOW_NONE || opt.follow == FOLLOW_FORK))
		*value = MARK;
}

bool follow_forks(void)
{
	return opt.follow == FOLLOW_FORK || opt.follow == FOLLOW_ALL;
}

/* Is NAME what stands between PATTERN and END, where '*' is any text? Tries again from the last '*' on a mismatch. */
static bool matches(const char *pattern, const char *end, const char *name)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*name) {
		if (pattern < end && *pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (pattern < end && *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool follow_wants(const char *program)
{
	const char *s = opt.only;

	if (!*s)
		return true;
	for (;;) {
		const char *start = s;

		while (*s && *s != ',')
			s++;
		if (s > start && matches(start, s, program))
			return true;
		if (!*s++)
			return false;
	}
}
