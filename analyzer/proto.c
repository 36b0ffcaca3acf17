/* SPDX-License-Identifier: MIT */
/* The wire format of protocol buffers: keys of field number and type, then a varint, or a length and bytes. */
#include "proto.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

#define VARINT_BYTES 10

static void varint(struct proto *message, uint64_t value)
{
	vec_reserve(&message->bytes, VARINT_BYTES);
	for (; value >= 0x80; value >>= 7)
		message->bytes.list[message->bytes.count++] = (uint8_t)(value | 0x80);
	message->bytes.list[message->bytes.count++] = (uint8_t)value;
}

void proto_number(struct proto *message, unsigned field, int64_t value)
{
	if (value == 0)
		return;
	varint(message, field << 3 | WIRE_VARINT);
	varint(message, (uint64_t)value);
}

void proto_bytes(struct proto *message, unsigned field, const void *bytes, size_t size)
{
	varint(message, field << 3 | WIRE_LENGTH);
	varint(message, size);
	if (size == 0)
		return;
	vec_reserve(&message->bytes, size);
	memcpy(message->bytes.list + message->bytes.count, bytes, size);
	message->bytes.count += size;
}

void proto_message(struct proto *message, unsigned field, const struct proto *part)
{
	proto_bytes(message, field, part->bytes.list, part->bytes.count);
}

void proto_packed(struct proto *list, int64_t value)
{
	varint(list, (uint64_t)value);
}

void proto_write(FILE *out, unsigned field, struct proto *part)
{
	struct proto head = { 0 };

	varint(&head, field << 3 | WIRE_LENGTH);
	varint(&head, part->bytes.count);
	fwrite(head.bytes.list, 1, head.bytes.count, out);
	fwrite(part->bytes.list, 1, part->bytes.count, out);
	proto_free(&head);
	part->bytes.count = 0;
}

void proto_free(struct proto *message)
{
	vec_free(&message->bytes);
}
