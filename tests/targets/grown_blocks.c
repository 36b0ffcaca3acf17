/* SPDX-License-Identifier: MIT */
/*
 * Blocks that grow by realloc, in ways whose numbers are known: one step, doubling, by small steps with frees between,
 * handed from thread to thread, resized at one place first and at another later, made smaller, or unknown; and at
 * places where realloc makes new blocks as well.
 */
#include <pthread.h>

#include "facts.h"
#include "memprof.h"

#define ONCE    300
#define DOUBLED 20
#define ROUNDS  1000
#define HANDED  50
#define SHRUNK  70

static struct {
	unsigned long steps, blocks, first_bytes, moves, copied_bytes, grown_bytes, shrinks, shrunk_bytes;
} sum;

/* Counts what an observer of addresses and sizes sees. Returns the block. */
static inline void *counted(void *old, size_t old_bytes, void *new, size_t bytes)
{
	sum.steps++;
	if (old != new) {
		sum.moves++;
		sum.copied_bytes += old_bytes < bytes ? old_bytes : bytes;
	}
	if (bytes < old_bytes) {
		sum.shrinks++;
		sum.shrunk_bytes += old_bytes - bytes;
	} else {
		sum.grown_bytes += bytes - old_bytes;
	}
	return new;
}

static inline void first(unsigned long blocks, size_t bytes)
{
	sum.blocks += blocks;
	sum.first_bytes += blocks * bytes;
}

SITE static void *once_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *double_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *step_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *hand_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *go_on_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *shrink_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *unknown_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

static void *handed[HANDED];
static size_t handed_bytes;

static void *grow_handed(void *unused)
{
	(void)unused;
	for (int i = 0; i < HANDED; i++)
		handed[i] = hand_here(handed[i], handed_bytes);
	return NULL;
}

static void tell(const char *site)
{
	fact("realloc %s steps=%lu blocks=%lu first_bytes=%lu moves=%lu copied_bytes=%lu grown_bytes=%lu shrinks=%lu "
	     "shrunk_bytes=%lu unknown=0",
	     site, sum.steps, sum.blocks, sum.first_bytes, sum.moves, sum.copied_bytes, sum.grown_bytes, sum.shrinks,
	     sum.shrunk_bytes);
	memset(&sum, 0, sizeof(sum));
}

static void grow_once(void)
{
	first(ONCE, 50);
	for (int i = 0; i < ONCE; i++) {
		void *block = malloc(50);

		free(counted(block, 50, once_here(block, 200), 200));
	}
	tell("once_here");
}

static void grow_double(void)
{
	void *block = malloc(16);
	size_t size = 16;

	first(1, 16);
	for (int i = 0; i < DOUBLED; i++, size *= 2)
		block = counted(block, size, double_here(block, size * 2), size * 2);
	free(block);
	tell("double_here");
}

/* The allocator gives the same addresses out again and again, and realloc makes the new blocks, too. */
static void grow_in_steps(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		size_t size = 100;
		void *block = step_here(NULL, size);

		first(round % 5 > 0, size);
		for (int i = 1; i <= round % 5; i++, size += 100)
			block = counted(block, size, step_here(block, size + 100), size + 100);
		free(block);
	}
	tell("step_here");
}

static void grow_from_hand_to_hand(void)
{
	void *before[HANDED];
	pthread_t thread;

	for (int i = 0; i < HANDED; i++)
		handed[i] = malloc(10);
	first(HANDED, 10);
	for (int round = 1; round <= 6; round++) {
		memcpy(before, handed, sizeof(before));
		handed_bytes = (size_t)round * 1000;
		require(pthread_create(&thread, NULL, grow_handed, NULL) == 0);
		pthread_join(thread, NULL);
		for (int i = 0; i < HANDED; i++)
			counted(before[i], round == 1 ? 10 : handed_bytes - 1000, handed[i], handed_bytes);
	}
	tell("hand_here");
	for (int i = 0; i < HANDED; i++)
		handed[i] = counted(handed[i], 6000, go_on_here(handed[i], 7000), 7000);
	tell("go_on_here");
	for (int i = 0; i < HANDED; i++)
		free(handed[i]);
}

static void shrink(void)
{
	first(SHRUNK, 5000);
	for (int i = 0; i < SHRUNK; i++) {
		void *block = malloc(5000);

		free(counted(block, 5000, shrink_here(block, 40), 40));
	}
	tell("shrink_here");
}

/* Of a block that was made while nothing was recorded nothing is known. */
static void resize_unknown(void)
{
	void *block;

	memprof_pause();
	block = malloc(100);
	memprof_resume();
	free(unknown_here(block, 200));
	fact("realloc unknown_here steps=1 blocks=0 moves=0 grown_bytes=0 unknown=1");
}

int main(void)
{
	grow_once();
	grow_double();
	grow_in_steps();
	grow_from_hand_to_hand();
	shrink();
	resize_unknown();
	fact("loss unknown_free=0 unseen_free=0");
	return 0;
}
