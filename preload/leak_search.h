/* SPDX-License-Identifier: MIT */
/* One search through the memory of this process, or of a copy of it, and its answer. */
#ifndef MP_LEAK_SEARCH_H
#define MP_LEAK_SEARCH_H

#include <stdint.h>

#include "leak_roots.h"
#include "mp_dump.h"

#define SEARCH_ROWS_MAX (1u << 17)

/* In memory that the process that searches and the one that waits both see. */
struct search_answer {
	uint32_t done; /* 1 when all else is there */
	uint32_t result;
	struct mp_leak_scan scan; /* what was counted, of a SEARCH_COMPARE nothing */
	uint64_t definite_count;
	uint64_t lost_count; /* definite and indirect */
	uint64_t candidate_count;
	uint64_t confirmed_count; /* of a SEARCH_CONFIRM that found no other change: lost still */
	uint64_t cpu_ns;          /* of the process that searched */
	uint32_t row_count;
	uint32_t reserved;
	struct mp_leak rows[SEARCH_ROWS_MAX];
	uint64_t candidates[]; /* addresses of what is lost */
};

/*
 * Of several snapshots the first finds what is lost, and the second mostly finds the same, which is told faster than it
 * is found. If not, all is judged anew, with what was lost so far as candidates.
 */
enum search_task { SEARCH_FIND, SEARCH_COMPARE, SEARCH_CONFIRM };

/*
 * Fills the answer, but for DONE; it has room for CANDIDATES_MAX addresses. In a process that os_snapshot_settle() has
 * readied. Context: setup.
 */
void search_run(enum search_task task, struct search_answer *to, uint64_t candidates_max, struct roots *from);

/* Bytes of memory that a search takes at most, of so many blocks in so many bytes of address space. */
uint64_t search_bytes_for(uint64_t count, uint64_t heap_bytes);

/* Gives back what a search in a process that shares this one's memory has taken. */
void search_clean_up(void);

#endif
