/* SPDX-License-Identifier: MIT */
/* Takes out of a profile what tells whose program it was and where it ran. */
#ifndef MP_ANONYMISE_H
#define MP_ANONYMISE_H

#include <stddef.h>

#include "profile.h"

/*
 * Replaces the paths of objects and the names of threads by hashes, and leaves out arguments, directories, the host,
 * the options in force and the path of the dump. Files can still be opened by their real path. The symbolizer of the
 * result is to be made with the option `anonymous`.
 */
void profile_anonymise(struct profile *profile);

#define ANONYMOUS_NAME_BYTES 20

/* The word that stands for NAME: the same in every dump. KIND is its first letter. Into BUF, which it returns. */
char *anonymous_name(char kind, const char *name, char buf[static ANONYMOUS_NAME_BYTES]);

#endif
