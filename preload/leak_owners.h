/* SPDX-License-Identifier: MIT */
/* Which lost block hangs on which: a list that is lost is one leak, and not as many as it has elements. */
#ifndef MP_LEAK_OWNERS_H
#define MP_LEAK_OWNERS_H

#include <stdbool.h>
#include <stdint.h>

/* Context: setup, in one search at a time. */

/* Orders what graph_mark_all() has left lost. false: no memory. Stops where graph_late(). */
bool owners_find(void);

/* Of a lost block, what it hangs on; itself, if on nothing. */
uint32_t owners_of(uint32_t i);
/* A lost block that reaches itself through others. */
bool owners_is_cyclic(uint32_t i);

/* Bytes that this takes at most, of so many blocks. */
uint64_t owners_bytes_for(uint64_t count);

#endif
