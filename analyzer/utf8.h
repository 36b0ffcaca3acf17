/* SPDX-License-Identifier: MIT */
/* Strict UTF-8 decoding of text from files. */
#ifndef MP_UTF8_H
#define MP_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the character at the start of the 0-terminated TEXT, and its code point in *ret_code; 0 if there is none:
 * not the shortest form, a surrogate, beyond U+10FFFF, or cut off. Not to be called at the terminating 0.
 */
size_t utf8_decode(const char *text, uint32_t *ret_code);

#endif
