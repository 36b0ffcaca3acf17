/* SPDX-License-Identifier: MIT */
/* What could be done about a lock, in plain words: rules with stated thresholds. */
#ifndef MP_LOCK_ADVICE_H
#define MP_LOCK_ADVICE_H

#include <stddef.h>

#include "lock_class.h"

/* One per rule at most. */
#define LOCK_ADVICE_MAX 16

struct lock_advice {
	const char *rule; /* word for scripts */
	char text[512];
};

/* What holds for CLASS, one of CLASSES, written to RET_LIST (LOCK_ADVICE_MAX of them). Returns how many. */
size_t lock_advice(const struct lock_classes *classes, const struct lock_class *lock, struct lock_advice *ret_list);

#endif
