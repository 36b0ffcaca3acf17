/* SPDX-License-Identifier: MIT */
/* Interior pointers that are as good as start pointers, because of what the block looks like. */
#ifndef MP_LEAK_INTERIOR_H
#define MP_LEAK_INTERIOR_H

#include <stdint.h>

/* Context: setup, in one search at a time. */

void interior_init(void);
/* Readable memory that is not data: code, and read-only data that vtables lie in. In any order. */
void interior_note_code(uint64_t start, uint64_t end);
void interior_note_constants(uint64_t start, uint64_t end);

/* The enum mp_scan_heuristic by which a pointer OFFSET into block I counts; INTERIOR_NONE: by none. */
#define INTERIOR_NONE UINT32_MAX
uint32_t interior_recognise(uint32_t i, uint64_t offset);

#endif
