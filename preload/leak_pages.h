/* SPDX-License-Identifier: MIT */
/* Which pages have memory behind them, so that a search touches no reservation of terabytes. */
#ifndef MP_LEAK_PAGES_H
#define MP_LEAK_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGES_BYTES 4096u

/*
 * What is asked afterwards is how it is then: answers are kept until the next pages_open(). Context: setup, in the
 * process whose pages are meant; a child of fork must call it for itself.
 */
void pages_open(void);
void pages_close(void);

/*
 * The first run of pages with memory in START .. END, cut to that range. Where it cannot be told, all have some. false:
 * there are none any more.
 */
bool pages_next(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end);

/* The same for memory that is shared with other processes, which a fork does not note in the child's page tables. */
bool pages_next_shared(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end);

/*
 * The same for pages that are the process's own (anonymous, or copied when first written), not those of a file. Where
 * it cannot be told, none are.
 */
bool pages_next_private(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end);

/*
 * What the page of ADDRESS holds, until the next call: the page itself, or a copy of one that the program has made
 * unreadable, or zeroes if there is nothing at all. Needs os_snapshot_settle(): the way to find out is to try.
 */
const char *pages_data(uint64_t address);
/* The word at ADDRESS; 0 where there is nothing to read, or ADDRESS is not aligned. */
uint64_t pages_word(uint64_t address);
/*
 * Memory that is searched once, from START, at most BYTES of it: up to PAGES_COPY_BYTES are copied, where that is
 * cheaper than to look at it. *ret_bytes were; they are overwritten by the next call. NULL: to be read by pages_data().
 */
#define PAGES_COPY_BYTES (16u * PAGES_BYTES)
const char *pages_copy(uint64_t start, uint64_t bytes, uint64_t *ret_bytes);
/* This process is a forked child, where it is, see leak_pages.c. */
void pages_in_snapshot(bool yes);
/* What is searched from now on comes in the order of addresses. */
void pages_read_ahead(bool on);
/* Pages that could not be read so far. */
uint64_t pages_unreadable(void);

#endif
