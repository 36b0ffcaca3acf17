/* SPDX-License-Identifier: MIT */
/* Where a program keeps pointers: modules' data, stacks, thread-local storage, and memory that it mapped itself. */
#ifndef MP_LEAK_ROOTS_H
#define MP_LEAK_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "os.h"

#define ROOTS_REGISTERS  16
#define ROOTS_RANGES_MAX 1024u

struct roots {
	/* Of the thread that looks: callee-saved registers of the program, and from where on its stack counts. */
	uint64_t registers[ROOTS_REGISTERS];
	uint64_t sp;
	struct os_range stack; /* that SP should lie in; start 0 = unknown */
	/* Words that other threads hold in registers, as far as known. */
	uint64_t *words;
	uint32_t word_count;
	/* Stacks that nobody runs on any more. */
	struct os_range dead[ROOTS_RANGES_MAX];
	uint32_t dead_count;
	/* Ranges that the program named. */
	struct os_range named[ROOTS_RANGES_MAX];
	uint32_t named_count;
	/* Memory of unknown blocks, and free memory of the heap, count as well: the live table is not complete. */
	bool heap_too;

	uint64_t root_bytes; /* results */
	uint64_t skipped_bytes;
};

/* Shows all roots to the graph. In a snapshot of the process. false: its memory map cannot be read. */
bool roots_scan(struct roots *roots);

#endif
