/* SPDX-License-Identifier: MIT */
/* Runs a program and writes what it cost. Linked statically, so that LD_PRELOAD is for the program and not for this. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The benchmark driver cannot measure this itself: the kernel counts what a process was before exec into its peak RSS,
 * so under an interpreter every program would seem to need as much as the interpreter.
 */

#define USAGE "usage: measure COST_FILE OUTPUT_FILE RUNS PROGRAM [ARGUMENT...]\n"

extern char **environ;

struct cost {
	double cpu_s; /* user and system, of all processes that the program leaves or waits for */
	double wall_s;
	long peak_kib; /* of the largest of them */
	int status;
};

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec * 1e-6;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Adds one run to COST; what it prints goes to OUTPUT. false: it could not be started. */
static bool run_once(char **argv, int output, struct cost *cost)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	pid_t child, ended;
	double start;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	start = now_s();
	errno = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno != 0) {
		perror(argv[0]);
		return false;
	}
	/* Also orphans, which are ours: see main(). */
	while ((ended = wait4(-1, &status, 0, &usage)) > 0 || (ended < 0 && errno == EINTR)) {
		if (ended < 0)
			continue;
		cost->cpu_s += seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
		if (usage.ru_maxrss > cost->peak_kib)
			cost->peak_kib = usage.ru_maxrss;
		if (ended == child && status != 0)
			cost->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	cost->wall_s += now_s() - start;
	return true;
}

int main(int argc, char **argv)
{
	struct cost cost = { 0 };
	FILE *file;
	int output;

	if (argc < 5) {
		fputs(USAGE, stderr);
		return 2;
	}
	output = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (output < 0) {
		perror(argv[2]);
		return 2;
	}
	/* heaptrack leaves the wait for its second process to a shell that may end first. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int runs = atoi(argv[3]); runs > 0; runs--)
		if (!run_once(argv + 4, output, &cost))
			return 127;
	file = fopen(argv[1], "w");
	if (file == NULL) {
		perror(argv[1]);
		return 2;
	}
	fprintf(file, "%.6f %.6f %ld\n", cost.cpu_s, cost.wall_s, cost.peak_kib);
	return fclose(file) == 0 ? cost.status : 2;
}
