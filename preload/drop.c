/* SPDX-License-Identifier: MIT */
/* Losses are rare, so shared counters do; before the dump exists they go to a private array. */
#include "drop.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"

static struct mp_loss early[MP_LOSS_COUNT - 1];
static struct mp_loss *losses = early;

void drop_many(enum mp_loss_reason reason, uint64_t count)
{
	add_relaxed(&load_acquire(&losses)[reason - 1].count, count);
}

bool drop(enum mp_loss_reason reason)
{
	drop_many(reason, 1);
	return false;
}

uint64_t drop_count(enum mp_loss_reason reason)
{
	return load_relaxed(&load_acquire(&losses)[reason - 1].count);
}

void drop_attach(struct mp_loss *rows)
{
	for (uint32_t i = 0; i < MP_LOSS_COUNT - 1; i++) {
		rows[i].count = early[i].count;
		store_release(&rows[i].reason, i + 1);
	}
	store_release(&losses, rows);
}

void drop_reset(void)
{
	losses = early;
	for (uint32_t i = 0; i < MP_LOSS_COUNT - 1; i++)
		early[i].count = 0;
}
