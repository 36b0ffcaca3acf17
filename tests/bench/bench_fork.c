/* SPDX-License-Identifier: MIT */
/*
 * What no search of a forked heap can go below on this machine: how long fork() of so many MiB takes, and how long a
 * child needs to read one byte of each page. Under a hypervisor without nested paging the latter takes seconds.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define USAGE "bench_fork MIB"
#define PAGE  4096u

static void read_pages(const volatile char *memory, uint64_t bytes)
{
	double start = bench_cpu_ns();

	for (uint64_t i = 0; i < bytes; i += PAGE)
		(void)memory[i];
	bench_print("touch_ms", (bench_cpu_ns() - start) / 1e6);
}

int main(int argc, char **argv)
{
	uint64_t bytes = bench_number(argc, argv, 1, USAGE) << 20;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	double start;
	pid_t pid;

	/* As the heap of most programs: in pages of 4 KiB. */
	if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) != 0)
		return 1;
	memset(memory, 1, bytes);
	start = bench_wall_ns();
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		read_pages(memory, bytes);
		return 0;
	}
	bench_print("fork_ms", (bench_wall_ns() - start) / 1e6);
	fflush(stdout);
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}
