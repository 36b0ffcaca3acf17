/* SPDX-License-Identifier: MIT */
/* Code made at run time, which calls back into the program and leaves a map of itself for profilers. */
#include "facts.h"

#include <sys/mman.h>

SITE static void *called_from_made_code(void)
{
	return keep(malloc(99));
}

#ifdef __x86_64__

/* push %rbp; mov %rsp,%rbp; movabs $callee,%rax; call *%rax; pop %rbp; ret */
static const unsigned char code[] = {
	0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3,
};
#define CALLEE_AT 6

static void *(*make_code(void))(void)
{
	void *(*callee)(void) = called_from_made_code;
	void *(*made)(void);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		exit(1);
	memcpy(page, code, sizeof(code));
	memcpy(page + CALLEE_AT, &callee, sizeof(callee));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0)
		exit(1);
	memcpy(&made, &page, sizeof(made));
	return made;
}

static void write_map(void *(*made)(void))
{
	char path[64];
	uintptr_t start;
	FILE *map;

	memcpy(&start, &made, sizeof(start));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "we");
	if (!map)
		exit(1);
	/* As after code was replaced at one place: what comes later holds. */
	fprintf(map, "%lx %lx gone_long_ago\n", (unsigned long)start, (unsigned long)sizeof(code));
	fprintf(map, "%lx %lx made at run time: f(x)\n", (unsigned long)start, (unsigned long)sizeof(code));
	fclose(map);
}

int main(int argc, char **argv)
{
	void *(*made)(void) = make_code();

	if (argc > 1 && strcmp(argv[1], "map") == 0)
		write_map(made);
	for (size_t i = 0; i < any_size(4); i++)
		keep(made());
	fact("site called_from_made_code alloc_count=4 alloc_bytes=396 cut=no_unwind_info");
	return 0;
}

#else

int main(void)
{
	called_from_made_code();
	fact("site called_from_made_code alloc_count=1 alloc_bytes=99");
	return 0;
}

#endif
