/* SPDX-License-Identifier: MIT */
/* What the threads of several processes waited for, by place, and who of another process ended such waits. */
#ifndef MP_FAMILY_WAITS_H
#define MP_FAMILY_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "out.h"
#include "vec.h"

/* A stack in all processes that have it, as in struct family_site. */
struct family_place {
	uint64_t count;
	uint64_t wait_ns; /* 0 for who wakes */
	uint32_t kind;    /* enum mp_lock_kind */
	size_t processes;
	size_t process; /* the one with most of it, to show the stack from */
	uint32_t stack; /* there */
	uint64_t most;
	size_t last; /* process that was added last, + 1 */
};

/* PLACE has to do with what lies at ADDRESS: an object that processes share is mostly found at one address in all. */
struct family_link {
	uint64_t address;
	size_t place;
	uint64_t count;
};

struct family_links {
	struct family_link *list;
	size_t count, capacity;
};

struct family_waits {
	VEC(struct family_place) waiters;
	VEC(struct family_place) wakers;
	struct hash_map waiter_of_hash, waker_of_hash;
	struct family_links waits; /* of semaphores; by place when finished */
	struct family_links wakes; /* by address then */
	uint64_t contention_ns, coordination_ns;
};

/*
 * Adds those of process number PROCESS that the filter of REPORT lets through. HASHES: of its stacks, the same for the
 * same stack in all processes.
 */
void family_waits_add(struct family_waits *waits, const struct report *report, const uint64_t *hashes, size_t process);

/* When all are added, before what is below: process I becomes number PLACE[I]. */
void family_waits_finish(struct family_waits *waits, const size_t *place);

/*
 * Indices of the waiters for locks, or of those for each other, the longest wait first, into RET_LIST, which has room
 * for all. Returns how many.
 */
size_t family_waits_rank(const struct family_waits *waits, bool contention, size_t *ret_list);

struct family_waker {
	const struct family_place *place;
	uint64_t count;
};
#define FAMILY_WAKERS 3u

/*
 * Who of other processes posted the semaphores that WAITER waited for, whoever waited for them then: those who did most
 * often, into RET_LIST, and how often all did. Returns how many.
 */
size_t family_waits_wakers(const struct family_waits *waits, size_t waiter, struct family_waker *ret_list,
			   uint64_t *ret_all);

void family_waits_free(struct family_waits *waits);

#endif
