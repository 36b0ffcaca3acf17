/* SPDX-License-Identifier: MIT */
/*
 * controlled COMMAND...: a program that is told from outside what to do next, and tells on descriptor 3 when it has.
 * Reads letters from standard input: a: allocates 1000 blocks of 100 bytes and keeps them; f: frees those that it has
 * kept; l: loses a block of 500 bytes; t: 2000 times malloc and free; w: two threads wait for each other's mutex;
 * i: makes and ends a mutex; r: adds and removes a root region until the next letter is there.
 */
#include <poll.h>
#include <pthread.h>

#include "facts.h"
#include "memprof.h"
#include "one_wait.h"

#define BLOCKS 1000

static void *kept[BLOCKS];
static void *before[8];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other_mutex;

SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

static void change_regions(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	while (poll(&input, 1, 0) == 0) {
		for (unsigned i = 0; i < 100000; i++) {
			memprof_add_root_region(kept, sizeof(kept));
			memprof_remove_root_region(kept, sizeof(kept));
			for (volatile unsigned k = 0; k < 200; k++)
				;
		}
	}
}

static void obey(char letter)
{
	switch (letter) {
	case 'a':
		for (unsigned i = 0; i < BLOCKS; i++)
			kept[i] = block(100);
		break;
	case 'f':
		for (unsigned i = 0; i < BLOCKS; i++)
			free(kept[i]);
		memset(kept, 0, sizeof(kept));
		break;
	case 'l':
		/* Where nothing was before, so that no old pointer on the stack leads there by chance. */
		for (unsigned i = 0; i < 8; i++)
			before[i] = block(64000);
		*(volatile char *)block(500) = 1;
		for (unsigned i = 0; i < 8; i++)
			free(before[i]);
		break;
	case 't':
		for (unsigned i = 0; i < 2000; i++)
			free(block(24));
		break;
	case 'w':
		one_wait(&mutex);
		break;
	case 'i':
		pthread_mutex_init(&other_mutex, NULL);
		pthread_mutex_destroy(&other_mutex);
		break;
	case 'r':
		change_regions();
		break;
	}
}

/* What earlier calls left on the stack must not lead to lost blocks. */
SITE static void wipe(void)
{
	volatile char junk[4096];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = 0;
}

int main(void)
{
	char letter;

	while (read(0, &letter, 1) == 1) {
		if (letter == '\n')
			continue;
		obey(letter);
		wipe();
		if (write(3, &letter, 1) != 1)
			break;
	}
	return 0;
}
