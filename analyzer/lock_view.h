/* SPDX-License-Identifier: MIT */
/* Names of locks. */
#ifndef MP_LOCK_VIEW_H
#define MP_LOCK_VIEW_H

#include <stddef.h>

#include "profile.h"
#include "symbolize.h"

/*
 * What a programmer would call the lock: its static object ("table_lock", "pool+0x40"), or where its memory comes from
 * ("new_connection()+0x18": at that offset in a block that this function allocated). NULL: neither is known. BUFFER
 * holds the text where it has to be made.
 */
const char *lock_view_name(const struct profile *profile, struct symbolizer *symbols, const struct profile_lock *lock,
			   char *buffer, size_t size);

#endif
