/* SPDX-License-Identifier: MIT */
/* Folded stacks, as the report writes them: here behind a dump's name where there are several. */
#include "export.h"

bool export_folded(const struct export *export, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < export->count; i++)
		out_folded(export->reports[i], export->out);
	return true;
}
