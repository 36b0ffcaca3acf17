/* SPDX-License-Identifier: MIT */
/* How much memory a search may take. */
#ifndef MP_LEAK_ROOM_H
#define MP_LEAK_ROOM_H

#include <stdint.h>

/*
 * Bytes until the kernel runs short of memory and ends processes: of this machine, or of the control group the process
 * is in. Caches that could be given up count as used in the latter, so there may be more. UINT64_MAX: not known.
 * Context: setup.
 */
uint64_t leak_room(void);

#endif
