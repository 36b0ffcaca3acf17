/* SPDX-License-Identifier: MIT */
/* Loss counters: what could not be recorded is counted here and shown in every report. */
#ifndef MP_DROP_H
#define MP_DROP_H

#include <stdbool.h>
#include <stdint.h>

#include "mp_dump.h"
#include "mp_metrics.h"

/* Adds to a loss counter; always false, so that a failing function can say `return drop(...)`. Context: any. */
bool drop(enum mp_loss_reason reason);
uint64_t drop_count(enum mp_loss_reason reason); /* so far */
void drop_many(enum mp_loss_reason reason, uint64_t count);

/*
 * Points the counters at ROWS (MP_LOSS_COUNT - 1 rows in the dump) and carries over what was counted before. Context:
 * setup.
 */
void drop_attach(struct mp_loss *rows);
/* Forgets all counts, for a fork child. Context: setup. */
void drop_reset(void);

#endif
