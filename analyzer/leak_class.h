/* SPDX-License-Identifier: MIT */
/* Classes of leaks, as people name them. */
#ifndef MP_LEAK_CLASS_H
#define MP_LEAK_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include "mp_dump.h"

#define LEAK_CLASS_END (MP_LEAK_UNFREED + 1) /* for arrays by class; 0 is none */

/* "definite" */
const char *leak_class_word(enum mp_leak_class leak_class);
/* "definitely lost" */
const char *leak_class_text(enum mp_leak_class leak_class);

/* The class that LENGTH bytes at TEXT name. */
bool leak_class_parse(const char *text, size_t length, enum mp_leak_class *ret_class);

#endif
