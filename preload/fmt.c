/* SPDX-License-Identifier: MIT */
/* Formatting for file names, options and warnings; stdio would allocate and lock. */
#include "fmt.h"

#include <stdarg.h>

#include "os.h"

static bool silent;

void fmt_init(struct fmt *f, char *buf, size_t bytes)
{
	f->text = buf;
	f->room = bytes;
	f->used = 0;
	f->cut = false;
	buf[0] = '\0';
}

void fmt_mem(struct fmt *f, const char *s, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (f->used + 1 >= f->room) {
			f->cut = true;
			break;
		}
		f->text[f->used++] = s[i];
	}
	f->text[f->used] = '\0';
}

void fmt_str(struct fmt *f, const char *s)
{
	fmt_mem(f, s, fmt_strlen(s));
}

void fmt_u64(struct fmt *f, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	fmt_mem(f, digits + i, sizeof(digits) - i);
}

size_t fmt_strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t fmt_text_bytes(const char *s, size_t max)
{
	size_t n = 0;

	while (n <= max && s[n])
		n++;
	if (n <= max)
		return n;
	/* S[n] goes into the next character if it continues one: then that has begun before it. */
	for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

bool fmt_same(const char *a, const char *b, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && a[i] == b[i] && a[i])
		i++;
	return i == bytes;
}

bool fmt_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool fmt_has_word(const char *list, const char *word)
{
	size_t n = fmt_strlen(word);

	while (*list) {
		size_t i = 0;

		while (i < n && list[i] == word[i])
			i++;
		if (i == n && (!list[n] || list[n] == ','))
			return true;
		while (*list && *list != ',')
			list++;
		list += *list == ',';
	}
	return false;
}

void fmt_warn_silence(void)
{
	silent = true;
}

void fmt_warn(const char *first, ...)
{
	char line[512];
	struct fmt f;
	va_list ap;

	if (silent)
		return;
	fmt_init(&f, line, sizeof(line) - 1);
	fmt_str(&f, "memprof: ");
	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		fmt_str(&f, s);
	va_end(ap);
	line[f.used++] = '\n'; /* one byte was held back for it */
	os_write_stderr(line, f.used);
}
