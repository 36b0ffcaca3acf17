/* SPDX-License-Identifier: MIT */
/* From the bytes of a dump to a profile: checks everything, keeps whatever is usable of a live, cut or corrupt file. */
#ifndef MP_DUMP_READ_H
#define MP_DUMP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump_chunk.h"
#include "err.h"
#include "profile.h"

/*
 * Reads a dump out of SIZE BYTES into PROFILE, which profile_init() has prepared and profile_free() frees in any case.
 * Opens nothing and keeps no pointer into BYTES. Memory stays within a small multiple of SIZE.
 *
 * false: not a dump, or one whose header cannot be used; ERR says why and where. true: usable. profile->partial then
 * tells whether anything is missing (file cut short, corrupt chunk or row), profile->warnings tell what.
 */
bool dump_read(const void *bytes, size_t size, const char *path, struct profile *profile, struct err *err);

#endif
