/* SPDX-License-Identifier: MIT */
/* Which addresses are those of locks that have a number. Only functions marked so change anything. */
#ifndef MP_LOCK_PLACES_H
#define MP_LOCK_PLACES_H

#include <stdbool.h>
#include <stdint.h>

struct lock_state;

/* Number of the lock at ADDRESS, 0 = none. Certain under the lock of its bucket; without it, a moment ago. */
uint32_t lock_place_number(uint64_t address);

/* Changes; under the table's lock. Is there room for one more address? Makes it if it can. */
bool lock_places_room(void);
/* Changes; under the same, after lock_places_room(). The lock at ADDRESS is NUMBER with STATE from now on. */
void lock_place_set(uint64_t address, uint32_t number, struct lock_state *state);
/* Changes; under the same. ADDRESS, which must have a number, has none any more. Returns what it had. */
struct lock_state *lock_place_retire(uint64_t address);

/* Calls VISIT for every address that has or had a number; for some of those that come in meanwhile, too. */
void lock_places_each(void (*visit)(uint64_t address));

/* In a fork child: forgets all. Context: setup. */
void lock_places_forked(void);

#endif
