/* SPDX-License-Identifier: MIT */
/* UTF-8 decoding. */
#include "utf8.h"

/* Length by the first byte; 0 for bytes that cannot be first. */
static size_t sequence_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_decode(const char *text, uint32_t *ret_code)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t count = sequence_bytes(bytes[0]);
	uint32_t code = count <= 1 ? bytes[0] : bytes[0] & (0x7fu >> count);

	for (size_t i = 1; i < count; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if ((count == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
	    (count == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	*ret_code = code;
	return count;
}
