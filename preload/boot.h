/* SPDX-License-Identifier: MIT */
/* Memory for calls that come while the next allocator is being looked up, and for nothing else. */
#ifndef MP_BOOT_H
#define MP_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory at a multiple of ALIGN (a power of two, at least 16). NULL: none to be had. Context: any. */
void *boot_alloc(size_t bytes, size_t align);
/* Did boot_alloc hand out P? Such pointers stay valid, and are never given to the next allocator, for ever. */
bool boot_owns(const void *p);
/* Bytes asked for when P was handed out. */
size_t boot_size(const void *p);
/* Part I of the arena as far as it is used, 0 .. . false: there is no such part. Context: setup. */
bool boot_part(uint32_t i, uint64_t *ret_start, uint64_t *ret_end);

#endif
