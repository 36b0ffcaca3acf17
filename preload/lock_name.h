/* SPDX-License-Identifier: MIT */
/* Names that the program gave to its locks. For lock_table.c, which knows when a lock begins and ends. */
#ifndef MP_LOCK_NAME_H
#define MP_LOCK_NAME_H

#include <stdbool.h>
#include <stdint.h>

/* Names are kept until their lock ends, so that a lock that is never contended costs the dump nothing. */

extern bool lock_name_any; /* false: there are none, so nobody need ask */

/*
 * The lock at ADDRESS, in the heap block at BLOCK (0 = none), is called NAME from now on; of the text, which is copied,
 * MP_LOCK_NAME_MAX bytes. *RET_NEW: it had no name. false: no room. Context: setup, gate closed.
 */
bool lock_name_put(uint64_t address, uint64_t block, const char *name, bool *ret_new);

/* Number of the row in the dump of the name of the lock at ADDRESS, 0 = it has none. Context: hook, gate closed. */
uint32_t lock_name_row(uint64_t address);

/* The lock at ADDRESS is no more. Returns the block that it lay in, 0 = none, or it had no name. Context: as above. */
uint64_t lock_name_end(uint64_t address);

/* The address of a named lock in the block at START, 0 = none. Context: as above. */
uint64_t lock_name_in_block(uint64_t start);

/* In a fork child: the locks are there, and their names, but not in its dump. Context: setup. */
void lock_name_forked(void);

#endif
