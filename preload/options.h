/* SPDX-License-Identifier: MIT */
/* Run-time options: read once from the environment, constant from then on. */
#ifndef MP_PRELOAD_OPTIONS_H
#define MP_PRELOAD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "mp_options.h"

#define STR(field, env, def, help)           const char *field;
#define NUM(field, env, def, min, max, help) uint64_t field;
#define SEL(field, env, def, choices, help)  uint32_t field;
struct options {
	MP_OPTIONS(STR, NUM, SEL)
};
#undef STR
#undef NUM
#undef SEL

enum options_leaks { OPTIONS_LEAKS_EXIT, OPTIONS_LEAKS_OFF }; /* of MEMPROF_LEAKS */
/* index of the words of MEMPROF_MODE */
enum options_mode { OPTIONS_MODE_FULL, OPTIONS_MODE_OFF, OPTIONS_MODE_DORMANT };

extern struct options opt;

/*
 * Fills OPT from ENVP (NULL: defaults). A value that cannot be used is named on standard error, with the default that
 * is used instead. Context: setup, once.
 */
void options_read(char **envp);

/* Calls EACH(variable, value as text) for every option in force. Context: setup. */
void options_for_each(void (*each)(const char *name, const char *value));

#endif
