/* SPDX-License-Identifier: MIT */
/*
 * marks: a few marks with known totals, and one text so often that not all of its marks can be kept.
 * marks texts: more texts than there is room for.
 * marks forever: until somebody ends it.
 */
#include "facts.h"
#include "memprof.h"

#define ITERATIONS 5000
#define TEXTS      300

static void *volatile kept[16];

SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

/* A character of two bytes across the limit: the text ends before it. */
static void mark_long(void)
{
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text + 254, "\xc3\xa9", 2);
	text[300] = 0;
	memprof_mark(text);
	fact("mark %.254s count=1 number=1 live_bytes=1000 live_count=1 alloc_count=1", text);
}

static void mark_all(void)
{
	memprof_mark("start");
	fact("mark start count=1 number=1 live_bytes=0 live_count=0 alloc_count=0 alloc_bytes=0 free_count=0");
	kept[0] = block(1000);
	mark_long();
	memprof_mark("loaded");
	fact("mark loaded count=1 live_bytes=1000 live_count=1 alloc_count=1 alloc_bytes=1000 free_count=0");
	for (unsigned i = 0; i < ITERATIONS; i++) {
		free(block(24));
		memprof_mark("step");
	}
	/* A stride of 8 leaves 625 of them. */
	fact("mark step count=%d stride=8 rows=625 live_bytes=1000 live_count=1 alloc_bytes=1024.. free_count=1..",
	     ITERATIONS);
	free(kept[0]);
	memprof_mark("end");
	fact("mark end count=1 live_bytes=0 live_count=0 alloc_count=%d free_count=%d", ITERATIONS + 1, ITERATIONS + 1);
	fact("loss marks_full=0");
}

static void mark_texts(void)
{
	char text[32];

	for (unsigned i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "text-%u", i);
		memprof_mark(text);
		memprof_mark(text);
	}
	fact("mark text-255 count=2");
	fact("mark text-256 rows=0");
	fact("loss marks_full=%d", (TEXTS - 256) * 2);
}

static void mark_forever(void)
{
	char text[32];

	for (unsigned i = 0;; i++) {
		snprintf(text, sizeof(text), "text-%u", i % 7);
		memprof_mark(text);
		if (i == 2000)
			fact("mark text-0 count=1..");
	}
}

int main(int argc, char **argv)
{
	memprof_mark(NULL);
	if (argc > 1 && strcmp(argv[1], "texts") == 0)
		mark_texts();
	else if (argc > 1 && strcmp(argv[1], "forever") == 0)
		mark_forever();
	else
		mark_all();
	return 0;
}
