/* SPDX-License-Identifier: MIT */
/* malloc and its kin on top of take(), which the target defines: blocks with their size 16 bytes in front, for ever. */
#ifndef MP_OWN_MALLOC_H
#define MP_OWN_MALLOC_H

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

void *take(size_t bytes);

void *malloc(size_t bytes)
{
	return take(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return take(count * bytes); /* fresh memory is zero */
}

void *realloc(void *block, size_t bytes)
{
	void *other = take(bytes);
	size_t old = 0;

	if (block) {
		memcpy(&old, (char *)block - 16, sizeof(old));
		memcpy(other, block, old < bytes ? old : bytes);
	}
	return other;
}

#ifdef __cplusplus
}
#endif

#endif
