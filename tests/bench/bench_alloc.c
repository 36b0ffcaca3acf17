/* SPDX-License-Identifier: MIT */
/* Nothing but malloc and free, called ten frames deep: the worst case for whatever is done per allocation. */
#include "bench.h"

#define USAGE       "bench_alloc loop|descend|paths|held PAIRS"
#define BLOCK_BYTES 64
#define HELD_BLOCKS 100000

/* A pair of calls below the ten frames. PATH chooses between two call sites in each frame, a bit per frame. */
typedef void work_fn(uint32_t path, uint64_t pairs);

static void *held[HELD_BLOCKS];

BENCH_FRAME static void pair_here(uint32_t path, uint64_t pairs)
{
	(void)path;
	for (uint64_t i = 0; i < pairs; i++) {
		void *block = malloc(BLOCK_BYTES);

		BENCH_USE(block);
		free(block);
	}
	BENCH_FRAME_END();
}

/* Frees come long after their allocations and in no order, so whatever is kept per live block is out of the cache. */
BENCH_FRAME static void replace_here(uint32_t path, uint64_t pairs)
{
	static uint64_t state = 1;

	(void)path;
	for (uint64_t i = 0; i < pairs; i++) {
		uint32_t at = bench_next(&state) % HELD_BLOCKS;

		free(held[at]);
		held[at] = malloc(BLOCK_BYTES);
	}
	BENCH_FRAME_END();
}

static work_fn *innermost = pair_here;

BENCH_FRAME static void frame_1(uint32_t path, uint64_t pairs)
{
	innermost(path, pairs);
	BENCH_FRAME_END();
}

/* The two calls differ, or the compiler would make them one. */
#define FRAME(outer, inner)                                          \
	BENCH_FRAME static void outer(uint32_t path, uint64_t pairs) \
	{                                                            \
		if (path & 1) {                                      \
			inner(path >> 1, pairs);                     \
			__asm__ volatile("nop" ::: "memory");        \
		} else {                                             \
			inner(path >> 1, pairs);                     \
			BENCH_FRAME_END();                           \
		}                                                    \
	}
FRAME(frame_2, frame_1)
FRAME(frame_3, frame_2)
FRAME(frame_4, frame_3)
FRAME(frame_5, frame_4)
FRAME(frame_6, frame_5)
FRAME(frame_7, frame_6)
FRAME(frame_8, frame_7)

/* With main() and the innermost that makes ten. */
static void run(const char *kind, uint64_t pairs)
{
	static uint64_t state = 7;

	if (strcmp(kind, "loop") == 0 || strcmp(kind, "held") == 0) {
		frame_8(0, pairs);
		return;
	}
	if (strcmp(kind, "descend") == 0) {
		for (uint64_t i = 0; i < pairs; i++)
			frame_8(0, 1);
		return;
	}
	/* 128 stacks, in no order. */
	for (uint64_t i = 0; i < pairs; i++)
		frame_8(bench_next(&state), 1);
}

int main(int argc, char **argv)
{
	uint64_t pairs = bench_number(argc, argv, 2, USAGE);
	uint64_t warm_up = pairs / 10 + 1000;
	const char *kind = argv[1];
	double start;

	if (strcmp(kind, "loop") && strcmp(kind, "descend") && strcmp(kind, "paths") && strcmp(kind, "held"))
		bench_usage(USAGE);
	if (strcmp(kind, "held") == 0) {
		innermost = replace_here;
		for (unsigned i = 0; i < HELD_BLOCKS; i++)
			held[i] = malloc(BLOCK_BYTES);
	}
	run(kind, warm_up);

	start = bench_cpu_ns();
	run(kind, pairs);
	bench_print("pair_ns", (bench_cpu_ns() - start) / (double)pairs);
	/* For who measures the whole process. Blocks held from the start are half a pair each. */
	bench_print("all_pairs", (double)(warm_up + pairs) + (held[0] != NULL ? HELD_BLOCKS / 2.0 : 0));
	return 0;
}
