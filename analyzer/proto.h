/* SPDX-License-Identifier: MIT */
/* Messages in the wire format of protocol buffers, as far as profiles need it. */
#ifndef MP_PROTO_H
#define MP_PROTO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vec.h"

/* A message under construction. Zeroes are an empty one. */
struct proto {
	VEC(uint8_t) bytes;
};

/* A field of type int64, uint64 or bool. 0 is what a reader takes a missing field for, so it is not written. */
void proto_number(struct proto *message, unsigned field, int64_t value);
void proto_bytes(struct proto *message, unsigned field, const void *bytes, size_t size);
void proto_message(struct proto *message, unsigned field, const struct proto *part);

/* An element of a packed repeated field: collect them in a message of their own, then proto_message() that. */
void proto_packed(struct proto *list, int64_t value);

/* Writes PART as a field of the outermost message, and empties it. */
void proto_write(FILE *out, unsigned field, struct proto *part);
void proto_free(struct proto *message);

#endif
