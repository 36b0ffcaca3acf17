/* SPDX-License-Identifier: MIT */
/* Time stamps for locks: cheap enough to be taken while the program holds one. */
#ifndef MP_CLOCK_H
#define MP_CLOCK_H

#include <stdint.h>

/*
 * Nanoseconds, in step with CLOCK_MONOTONIC to within 1/1000 of the time since the start: for differences between two
 * stamps. Where the processor counts time itself at a steady rate this takes a third of what the kernel's clock takes.
 * Context: any.
 */
uint64_t clock_stamp(void);

/* Finds out whether the processor's counter can be used. Context: setup. */
void clock_init(void);

#endif
