/* SPDX-License-Identifier: MIT */
/*
 * Built with -fsplit-stack: a function that finds too little stack gets another piece, from anywhere, and gives it back
 * when it returns. In threads with stacks of 64 KiB, recursion through many such pieces.
 */
#include <pthread.h>

#include "facts.h"

#define LEVELS  300
#define THREADS 3
#define BLOCKS  (THREADS * (LEVELS / 10 + 1))

SITE static void *piece_here(void)
{
	return keep(malloc(21));
}

SITE static unsigned recurse(unsigned level)
{
	char frame[1500];
	unsigned sum = 0;

	memset(frame, (int)level, sizeof(frame));
	keep(frame);
	if (level % 10 == 0)
		piece_here();
	if (level)
		sum = recurse(level - 1);
	for (unsigned i = 0; i < sizeof(frame); i += 100)
		sum += (unsigned char)frame[i];
	return sum;
}

static void *run(void *arg)
{
	*(unsigned *)arg = recurse(LEVELS);
	return NULL;
}

int main(void)
{
	pthread_attr_t attributes;

	require(pthread_attr_init(&attributes) == 0);
	require(pthread_attr_setstacksize(&attributes, 65536) == 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;
		unsigned sum = 0;

		require(pthread_create(&thread, &attributes, run, &sum) == 0);
		require(pthread_join(thread, NULL) == 0);
		printf("%u\n", sum);
	}
	fact("site piece_here alloc_count=%d live_bytes=%d", BLOCKS, BLOCKS * 21);
	fact("process ended=exit exit_status=0");
	return 0;
}
