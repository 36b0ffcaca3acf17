/* SPDX-License-Identifier: MIT */
/* The part of the live table for what does not fit its entries: blocks of 2 MiB and more, and odd addresses. */
#ifndef MP_LIVE_LARGE_H
#define MP_LIVE_LARGE_H

#include <stdbool.h>
#include <stdint.h>

#include "live_table.h"

extern uint32_t large_present; /* how many there are, to be read without the lock: most frees need not look */

/* As live_insert() and so on. Context: hook, gate closed, no lock of the live table held. */
enum live_insert large_insert(uint64_t address, const struct live_block *b, struct live_block *ret_old);
bool large_take(uint64_t address, struct live_block *ret_block);
bool large_ignore(uint64_t address);
void large_set_candidate(uint64_t address, bool set);

/* In a snapshot: of all of them together. */
uint64_t large_bytes(void);

/* In a fork child: gives up what a thread of the parent was just changing. Context: setup. */
void large_forked(void);
/* Forgets all. Context: setup. */
void large_forget(void);

#endif
