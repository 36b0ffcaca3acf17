/* SPDX-License-Identifier: MIT */
/* What tests of preload modules share: a dump to write into, losses, what goes to standard error. */
#ifndef MP_PRELOAD_DOUBLES_H
#define MP_PRELOAD_DOUBLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mp_dump.h"
#include "mp_metrics.h"

/*
 * A new dump of at most MAX_BYTES, in a directory that is deleted at once: the mapping lives on, the file cannot grow
 * beyond what is held ready. The dump before it stays mapped, since modules keep pointers into it.
 */
void preload_new_dump(uint64_t max_bytes);

/* Makes rules, libunwind and its comparison usable, with a dump. Once per process, however often it is called. */
void preload_start_walking(void);

/* The Nth chunk of KIND in the present dump, from 0; NULL = there are not so many. */
const struct mp_chunk *preload_chunk(enum mp_chunk_kind kind, unsigned n);

/* The row NUMBER (from 1) of the chunks of KIND, which have rows of ROW_BYTES. */
const void *preload_row(enum mp_chunk_kind kind, uint64_t number, size_t row_bytes);

/* How often REASON was counted in this process. */
uint64_t preload_losses(enum mp_loss_reason reason);

/* What thread_sum() says, and how often what was called that only takes notes. */
extern struct mp_thread preload_sum;
extern struct preload_calls {
	unsigned flushes, name_refreshes, last_ticks, searches, interruptions;
	enum mp_scan_trigger trigger; /* of the last search */
} preload_calls;
extern int64_t preload_verdict; /* of a search */
extern void (*preload_while_searching)(void); /* NULL = nothing */

/*
 * Runs RUN in a child, so that the state of modules is what it was before, and returns what it wrote to descriptor 2.
 * RUN says what it found there too. The text is valid until the next call. Fails the test if the child does not end
 * well.
 */
const char *preload_stderr(void (*run)(const void *data), const void *data);

#endif
