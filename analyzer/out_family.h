/* SPDX-License-Identifier: MIT */
/* The one report on the processes of several dumps. */
#ifndef MP_OUT_FAMILY_H
#define MP_OUT_FAMILY_H

#include <stdio.h>

#include "commands.h"
#include "family.h"

/* For people: the tree, the sums, and the sites that count most in all of them together. */
void out_family_text(struct family *family, const struct options *options, FILE *out);

/*
 * The members "processes", "totals", "sites" and "waits" of the object that holds the reports of all dumps, each with a
 * comma behind.
 */
void out_family_json(struct family *family, const struct options *options, FILE *out);

#endif
