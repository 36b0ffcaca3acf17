/* SPDX-License-Identifier: MIT */
/* The hooks of jemalloc's own functions. */
#ifndef MP_JEMALLOC_HOOKS_H
#define MP_JEMALLOC_HOOKS_H

/* Another thread of the parent may have been looking them up. Context: set-up of a fork child. */
void jemalloc_forked(void);

#endif
