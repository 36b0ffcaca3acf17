/* SPDX-License-Identifier: MIT */
/*
 * Shuts itself into a filter that kills the process for every system call but those of its own work, then allocates on
 * ever new stacks, from new threads too, and says to memprof what can be said. argv[1]: "kill", "eperm", or "strict"
 * (only read, write and _exit).
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "letter_box.h"
#include "memprof.h"
#include "spread.h"

#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), \
		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

SITE static void *jailed_here(void)
{
	return keep(malloc(9));
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (int path = 0; path < 512; path++) {
		pthread_mutex_lock(&lock);
		spread(9, path, jailed_here);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* A search for leaks needs a fork, which it must not try. */
static void say_all(struct mp_header *header)
{
	bool answered = true;

	static pthread_mutex_t named = PTHREAD_MUTEX_INITIALIZER;

	memprof_name_lock(&named, "named");
	memprof_mark("jailed");
	memprof_pause();
	free(keep(malloc(10)));
	memprof_resume();
	if (memprof_check_leaks() >= 0)
		abort();
	if (!header)
		return;
	for (uint32_t command = MP_CONTROL_status; command <= MP_CONTROL_off + 1; command++)
		answered = send_to(header, command, "told") && answered;
	if (!send_to(header, MP_CONTROL_on, "") || !answered)
		abort();
}

static void shut(uint32_t otherwise)
{
	/* What libc's allocator and threads need, and no more. */
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(brk), ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(futex), ALLOW(write),
		ALLOW(exit), ALLOW(exit_group), ALLOW(rt_sigprocmask), ALLOW(rt_sigaction), ALLOW(clone), ALLOW(clone3),
		ALLOW(set_robust_list), ALLOW(rseq), ALLOW(rt_sigreturn),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_madvise, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4 /* MADV_DONTNEED: of the stacks of ended threads */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };

	require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "kill";
	struct mp_header *header = own_header();
	pthread_t threads[3];
	void *kept[64];

	if (!strcmp(how, "strict")) {
		for (int i = 0; i < 64; i++)
			kept[i] = keep(malloc(100));
		require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
		say_all(header);
		for (int round = 0; round < 1000; round++)
			for (int i = 0; i < 64; i++) {
				free(kept[i]);
				kept[i] = keep(malloc(100));
			}
		if (write(1, "strict\n", 7) == 7)
			syscall(SYS_exit, 0);
	}
	if (header)
		fact("mark told count=2");
	fact("mark jailed count=1");
	fact("total alloc_count=8192..");
	fact("process ended=exit exit_status=0");
	free(keep(malloc(1))); /* the first call asks for random numbers */
	shut(!strcmp(how, "eperm") ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS);
	for (int path = 0; path < 8192; path++)
		spread(13, path, jailed_here);
	for (int i = 0; i < 3; i++)
		require(pthread_create(&threads[i], NULL, thread_main, NULL) == 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	say_all(header);
	if (write(1, "jailed\n", 7) != 7)
		return 1;
	_exit(0);
}
