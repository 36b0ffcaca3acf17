/* SPDX-License-Identifier: MIT */
/* Bounded text formatting without libc, and the one-line warnings of the preload. */
#ifndef MP_FMT_H
#define MP_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text under construction in the caller's buffer, always 0-terminated; what does not fit is cut and remembered. */
struct fmt {
	char *text;
	size_t room; /* of the buffer, terminator included */
	size_t used;
	bool cut;
};

/* All functions: any context, async-signal-safe. */
void fmt_init(struct fmt *f, char *buf, size_t bytes);
void fmt_str(struct fmt *f, const char *s);
void fmt_mem(struct fmt *f, const char *s, size_t bytes);
void fmt_u64(struct fmt *f, uint64_t n);

size_t fmt_strlen(const char *s);
size_t fmt_text_bytes(const char *s, size_t max); /* length, or less than MAX + 1 without cutting a UTF-8 character */
bool fmt_equal(const char *a, const char *b);
bool fmt_same(const char *a, const char *b, size_t bytes); /* up to the end of a text at most */
bool fmt_has_word(const char *list, const char *word); /* words stand between commas */

/*
 * One line on standard error, "memprof: " first; strings up to a NULL are put together. Silent with MEMPROF_QUIET=on.
 */
void fmt_warn(const char *first, ...) __attribute__((sentinel));
void fmt_warn_silence(void);

#endif
