/* SPDX-License-Identifier: MIT */
/* The report on a terminal, to walk through. */
#ifndef MP_TUI_H
#define MP_TUI_H

#include <stdbool.h>

#include "err.h"
#include "out.h"

/* Runs until the user has had enough. false: the terminal cannot do it, ERR says why. */
bool tui_run(const struct report *report, struct err *err);

#endif
