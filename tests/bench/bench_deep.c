/* SPDX-License-Identifier: MIT */
/* Recursion: hundreds of thousands of distinct stacks, and one stack of very many frames. */
#include "bench.h"

#define USAGE       "bench_deep tree BASE_FRAMES STACKS | bench_deep tall FRAMES"
#define BLOCK_BYTES 32

/*
 * The nodes of a binary tree, numbered from 1 row by row: node n has the children 2n and 2n+1. Each is visited in a
 * stack of its own, because the left and the right child are called from different places.
 */
BENCH_FRAME static void visit(uint64_t node, uint64_t nodes)
{
	void *block = malloc(BLOCK_BYTES);

	BENCH_USE(block);
	if (2 * node <= nodes) {
		visit(2 * node, nodes);
		__asm__ volatile("nop" ::: "memory");
	}
	if (2 * node + 1 <= nodes) {
		visit(2 * node + 1, nodes);
		BENCH_FRAME_END();
	}
	free(block);
}

BENCH_FRAME static void descend(uint64_t frames, uint64_t nodes)
{
	if (frames > 0)
		descend(frames - 1, nodes);
	else
		visit(1, nodes);
	BENCH_FRAME_END();
}

BENCH_FRAME static void dig(uint64_t frames)
{
	void *block = malloc(BLOCK_BYTES);

	BENCH_USE(block);
	if (frames > 1)
		dig(frames - 1);
	free(block);
	BENCH_FRAME_END();
}

static void run_tree(uint64_t base, uint64_t stacks)
{
	double start = bench_cpu_ns();

	descend(base, stacks);
	bench_print("new_ns", (bench_cpu_ns() - start) / (double)stacks);
	start = bench_cpu_ns();
	descend(base, stacks);
	bench_print("known_ns", (bench_cpu_ns() - start) / (double)stacks);
}

static void run_tall(uint64_t frames)
{
	double start = bench_cpu_ns();

	dig(frames);
	bench_print("frame_ns", (bench_cpu_ns() - start) / (double)frames);
}

int main(int argc, char **argv)
{
	uint64_t frames = bench_number(argc, argv, 2, USAGE);

	if (strcmp(argv[1], "tree") == 0)
		run_tree(frames, bench_number(argc, argv, 3, USAGE));
	else if (strcmp(argv[1], "tall") == 0)
		run_tall(frames);
	else
		bench_usage(USAGE);
	return 0;
}
