/* SPDX-License-Identifier: MIT */
/* Names of the classes of leaks. */
#include "leak_class.h"

#include <string.h>

static const char *const words[] = {
#define X(name, number, word) [number] = word,
	MP_LEAK_CLASSES(X)
#undef X
};

const char *leak_class_word(enum mp_leak_class leak_class)
{
	return words[leak_class];
}

const char *leak_class_text(enum mp_leak_class leak_class)
{
	static const char *const texts[] = {
		[MP_LEAK_DEFINITE] = "definitely lost", [MP_LEAK_INDIRECT] = "indirectly lost",
		[MP_LEAK_POSSIBLE] = "possibly lost",   [MP_LEAK_REACHABLE] = "still reachable",
		[MP_LEAK_UNFREED] = "not freed",
	};

	return texts[leak_class];
}

bool leak_class_parse(const char *text, size_t length, enum mp_leak_class *ret_class)
{
	for (size_t i = MP_LEAK_DEFINITE; i < LEAK_CLASS_END; i++) {
		if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) {
			*ret_class = (enum mp_leak_class)i;
			return true;
		}
	}
	return false;
}
