/* SPDX-License-Identifier: MIT */
/* How many threads have come to a barrier, so that the last one is known before it lets the others go. */
#ifndef MP_ARRIVALS_H
#define MP_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A thread arrives at the barrier at ADDRESS, where COUNT threads meet (0 = unknown). Is it the one that the others
 * wait for? No, if so many barriers are being waited at that there is no room: then all seem to wait. Context: hook,
 * gate closed.
 */
bool arrivals_last(uint64_t address, uint32_t count);

/* The barrier at ADDRESS is a new one, or no more. Context: hook, gate closed. */
void arrivals_forget(uint64_t address);

/* In a fork child: another thread of the parent may have held a lock, and none waits. Context: setup. */
void arrivals_forked(void);

#endif
