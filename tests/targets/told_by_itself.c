/* SPDX-License-Identifier: MIT */
/* told_by_itself: calls everything that memprof.h has, and sends itself every command; in a fork child once more. */
#include <pthread.h>
#include <sys/wait.h>

#include "letter_box.h"
#include "memprof.h"
#include "one_wait.h"

static void *volatile kept;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

SITE static void *recorded_here(size_t size)
{
	return keep(malloc(size));
}

static void call_all(void)
{
	static char region[64];

	memprof_mark("begin");
	for (unsigned i = 0; i < 50; i++) {
		free(recorded_here(1000));
		memprof_mark("step");
	}
	memprof_pause();
	free(keep(malloc(5)));
	memprof_resume();
	memprof_ignore_begin();
	kept = recorded_here(3000);
	memprof_ignore_end();
	memprof_ignore_block(kept);
	memprof_add_root_region(region, sizeof(region));
	memprof_check_leaks();
	memprof_remove_root_region(region, sizeof(region));
	free(kept);
}

static unsigned send_all(struct mp_header *header)
{
	unsigned answers = 0;

	answers += send_to(header, MP_CONTROL_status, "");
	answers += send_to(header, MP_CONTROL_mark, "from-outside");
	answers += send_to(header, MP_CONTROL_off, "");
	recorded_here(7);
	answers += send_to(header, MP_CONTROL_on, "");
	answers += send_to(header, MP_CONTROL_leaks, "");
	answers += send_to(header, MP_CONTROL_snapshot, "snap");
	answers += send_to(header, 1000, "no such command");
	return answers;
}

static void do_all(void)
{
	memprof_name_lock(&mutex, "a-mutex");
	one_wait(&mutex);
	call_all();
	if (send_all(own_header()) == 7) {
		fact("mark from-outside count=1 rows=1");
		fact("mark snap count=1 rows=1");
	}
	fact("mark begin count=1 rows=1");
	fact("mark step count=50");
	fact("lock a-mutex contentions=1");
	fact("site recorded_here alloc_count=51 alloc_bytes=53000 live_count=0");
}

int main(void)
{
	int status = 0;
	pid_t child;

	do_all();
	child = fork();
	if (child == 0) {
		do_all();
		fflush(stdout);
		_exit(0);
	}
	require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	puts("done");
	return 0;
}
