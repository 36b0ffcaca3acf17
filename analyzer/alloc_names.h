/* SPDX-License-Identifier: MIT */
/* The functions of libc that give memory. */
#ifndef MP_ALLOC_NAMES_H
#define MP_ALLOC_NAMES_H

#define ALLOC_FUNCTIONS(X) \
	X(malloc)          \
	X(calloc)          \
	X(realloc)         \
	X(reallocarray)    \
	X(memalign)        \
	X(aligned_alloc)   \
	X(posix_memalign)  \
	X(valloc)          \
	X(pvalloc)

#endif
